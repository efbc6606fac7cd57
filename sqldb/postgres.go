package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"sluice/mutant"
)

// Settings of each connection. A lock that is not had soon is not waited for,
// and a transaction whose client froze does not hold a grant for long.
const (
	lockTimeout        = "2s"
	statementTimeout   = "5s"
	idleInTransaction  = "5s"
	idleConnections    = 5 * time.Minute
	defaultConnections = 16
	userTimeout        = "5000" // milliseconds of unacknowledged bytes before TCP gives up
)

// PostgresConfig says where the database is and what it may be.
type PostgresConfig struct {
	URL         string
	Connections int // at most this many at once; 16 if 0
	// SingleNode states that there is no second server that could take over
	// without having all that was acknowledged, so none need be synchronous.
	SingleNode bool
}

// The SQLSTATEs that callers tell apart.
const (
	lockNotAvailable = "55P03" // a lock that was not had in time
	uniqueViolation  = "23505"
	divisionByZero   = "22012" // see text
)

type postgresDB struct{ pool *sql.DB }

// OpenPostgres opens the database with the rights of a gateway. It fails if the
// schema is not this program's, and if the server might lose or bend what it
// acknowledged.
func OpenPostgres(ctx context.Context, c PostgresConfig) (*DB, error) {
	pool, err := connect(c.URL, gatewaySettings())
	if err != nil {
		return nil, err
	}
	if c.Connections == 0 {
		c.Connections = defaultConnections
	}
	pool.SetMaxOpenConns(c.Connections)
	pool.SetMaxIdleConns(c.Connections)
	pool.SetConnMaxIdleTime(idleConnections)
	p := &postgresDB{pool: pool}
	err = fit(ctx, pool, c.SingleNode)
	if err == nil {
		err = migrated(ctx, pool)
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return &DB{engine: p, reader: &Reader{pool: pool}}, nil
}

// gatewaySettings are those of each connection of a gateway.
func gatewaySettings() map[string]string {
	return map[string]string{
		"lock_timeout": lockTimeout, "statement_timeout": statementTimeout,
		"idle_in_transaction_session_timeout": idleInTransaction, "tcp_user_timeout": userTimeout,
		"default_transaction_isolation": "read committed",
	}
}

func connect(url string, settings map[string]string) (*sql.DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		// The driver's words have the URL in them, and it a password.
		return nil, errors.New("open database: the URL is not one of PostgreSQL") //nolint:err113 // nothing to tell apart
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	config.RuntimeParams["application_name"] = "sluice"
	maps.Copy(config.RuntimeParams, settings)
	return stdlib.OpenDB(*config), nil
}

func (p *postgresDB) name() Engine { return Postgres }

func (p *postgresDB) clock() string {
	return `CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)`
}

func (p *postgresDB) rows() string { return `listed($1) AS r` }

func (p *postgresDB) close() error { return p.pool.Close() } //nolint:wrapcheck // says what it is

func (p *postgresDB) transact(ctx context.Context, f func(Tx) error) error {
	tx, err := p.pool.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := f(postgresTx{tx}); err != nil {
		// The connection may be gone, and the transaction with it.
		_ = tx.Rollback()
		return err
	}
	if err := tx.Commit(); err != nil && !mutant.Is(mutant.OutcomeIsOK) {
		return fmt.Errorf("commit: %w: %w", ErrOutcomeUnknown, err)
	}
	return nil
}

// batch sends everything at once and then reads the answers.
func (p *postgresDB) batch(ctx context.Context, statements []*Statement) error {
	conn, err := p.pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer conn.Close()                       //nolint:errcheck // goes back to the pool
	return conn.Raw(func(driver any) error { //nolint:wrapcheck // the function's own
		c, ok := driver.(*stdlib.Conn)
		if !ok {
			return errors.New("not a connection of pgx") //nolint:err113 // can't happen
		}
		err := sendBatch(ctx, c.Conn(), statements)
		if errors.Is(err, ErrOutcomeUnknown) && mutant.Is(mutant.OutcomeIsOK) {
			return nil
		}
		return err
	})
}

func sendBatch(ctx context.Context, conn *pgx.Conn, statements []*Statement) (err error) {
	var b pgx.Batch
	b.Queue("BEGIN")
	for _, st := range statements {
		b.Queue(st.text(), st.Args...)
	}
	b.Queue("COMMIT")
	answers := conn.SendBatch(ctx, &b)
	defer func() {
		closed := answers.Close()
		if err == nil && closed != nil {
			err = fmt.Errorf("commit: %w: %w", ErrOutcomeUnknown, closed)
		}
		if conn.PgConn().TxStatus() != 'I' {
			// In a failed transaction; a connection that can't even undo is closed.
			if _, undo := conn.Exec(context.WithoutCancel(ctx), "ROLLBACK"); undo != nil {
				_ = conn.Close(context.WithoutCancel(ctx))
			}
		}
	}()
	if _, err := answers.Exec(); err != nil {
		return unsent(fmt.Errorf("begin: %w", err))
	}
	for _, st := range statements {
		if err := st.read(answers); err != nil {
			return unsent(err)
		}
	}
	if _, err := answers.Exec(); err != nil {
		return fmt.Errorf("commit: %w: %w", ErrOutcomeUnknown, err)
	}
	return nil
}

// unsent tells a statement that the server refused, after which COMMIT was not
// run, from a connection that broke: COMMIT had been sent with the rest.
func unsent(err error) error {
	var refused interface{ SQLState() string }
	if errors.As(err, &refused) {
		switch refused.SQLState() {
		case lockNotAvailable:
			return fmt.Errorf("%w: %w", ErrLocked, err)
		case uniqueViolation:
			return fmt.Errorf("%w: %w", ErrTaken, err)
		case divisionByZero:
			return fmt.Errorf("%w: %w", ErrNoRow, err)
		}
		return err
	}
	return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
}

// text makes a statement that must answer a row fail where it runs: COMMIT was
// sent with it, so it is too late to change one's mind.
func (st *Statement) text() string {
	if !st.Must {
		return st.Text
	}
	return "WITH must AS (" + st.Text + ") SELECT 1 / count(*) FROM must"
}

func (st *Statement) read(answers pgx.BatchResults) error {
	if st.Into == nil {
		_, err := answers.Exec()
		return err //nolint:wrapcheck // the batch's caller says what it was doing
	}
	err := answers.QueryRow().Scan(st.Into...)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	st.Found = err == nil
	return err //nolint:wrapcheck // the batch's caller says what it was doing
}

type postgresTx struct{ *sql.Tx }

func (t postgresTx) QueryRowContext(ctx context.Context, query string, args ...any) Row {
	return t.Tx.QueryRowContext(ctx, query, args...)
}
