package messenger

import (
	"context"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/reference/messenger/holding"
	"sluice/reference/messenger/intent"
	"sluice/reference/messenger/link"
)

// Bank is a bank that customers are offered.
type Bank struct{ ID, Name string }

// Config is what the messenger needs. Everything without a remark must be set.
type Config struct {
	Partner   string                   // our id at the gateway
	Gateway   grpc.ClientConnInterface // with our certificate
	Issuer    string                   // the authorization server, as customers reach it
	MTLS      string                   // the authorization server, for clients with a certificate
	Client    *http.Client             // with our certificate, for MTLS
	URL       string                   // where customers reach the messenger; they come back from their banks to URL/done
	Banks     []Bank                   // in the order in which they are offered
	Dashboard string                   // the customers' pages at the gateway
	Zone      *time.Location           // in which days begin and times are shown; nil: UTC
	Now       func() time.Time
	Log       *slog.Logger // what failed, without anybody's data; nil: nowhere
}

// Redirect is where customers come back to, as it must be registered.
func (c Config) Redirect() string { return strings.TrimSuffix(c.URL, "/") + "/done" }

// Messenger is the chat. It may be used by many goroutines.
type Messenger struct {
	config  Config
	mux     *http.ServeMux
	cross   *http.CrossOriginProtection
	pages   map[string]*template.Template // by language
	texts   texts
	static  map[string]asset
	link    *link.Link
	ours    *link.Access // to what is ours and no one customer's
	holding *holding.Holding

	understand *intent.Matcher
	hiding     hiding

	accounts      partnerv1.AccountServiceClient
	alerts        partnerv1.AlertServiceClient
	consents      partnerv1.ConsentServiceClient
	conversations partnerv1.ConversationServiceClient
	events        partnerv1.EventServiceClient

	mu       sync.Mutex // guards all below, and what is in it; never held over a call
	people   map[string]*person
	sharings map[string]*sharing // by consent
	leaving  []string            // consents of those we have forgotten, to be given up
}

// New makes a messenger. It fails only if its own parts do not fit together.
func New(c Config) (*Messenger, error) {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	m := &Messenger{
		config: c, mux: http.NewServeMux(), cross: http.NewCrossOriginProtection(), holding: holding.New(c.Now), hiding: newHiding(),
		link: link.New(link.Config{
			Partner: c.Partner, Issuer: c.Issuer, MTLS: c.MTLS, Redirect: c.Redirect(), Client: c.Client, Now: c.Now,
		}),
		accounts: partnerv1.NewAccountServiceClient(c.Gateway), alerts: partnerv1.NewAlertServiceClient(c.Gateway),
		consents: partnerv1.NewConsentServiceClient(c.Gateway), conversations: partnerv1.NewConversationServiceClient(c.Gateway),
		events: partnerv1.NewEventServiceClient(c.Gateway),
		people: map[string]*person{}, sharings: map[string]*sharing{},
	}
	m.ours = m.link.Own()
	var err error
	if m.texts, err = readTexts(); err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	if m.static, err = assets(); err != nil {
		return nil, fmt.Errorf("read assets: %w", err)
	}
	if m.pages, err = m.templates(); err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	if m.understand, err = intent.New(); err != nil {
		return nil, fmt.Errorf("read what was learnt of questions: %w", err)
	}
	m.routes()
	return m, nil
}

// Run takes what the gateway sends and lets go of what is over its time, until the
// context ends. The pages work without it; then nothing comes by itself.
func (m *Messenger) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return m.listen(ctx) })
	group.Go(func() error { return m.sweep(ctx) })
	return group.Wait() //nolint:wrapcheck // both say what they are
}

// ServeHTTP serves one page.
func (m *Messenger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header(), strings.HasPrefix(m.config.URL, "https:"))
	if err := m.cross.Check(r); err != nil {
		m.fail(w, r, http.StatusForbidden, "trouble.cross")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	m.mux.ServeHTTP(w, m.stamped(r))
}

// maxForm bounds what a form may have.
const maxForm = 64 << 10

func (m *Messenger) routes() {
	m.mux.HandleFunc("GET /static/{name}", m.serveStatic)
	m.mux.HandleFunc("GET /{$}", m.showChat)
	m.mux.HandleFunc("POST /ask", m.ask)
	m.mux.HandleFunc("GET /connect", m.showConnect)
	m.mux.HandleFunc("GET /connect/{bank}/{wish}", m.connect)
	m.mux.HandleFunc("GET /done", m.done)
	m.mux.HandleFunc("GET /next/{consent}", m.showNext)
	m.mux.HandleFunc("POST /alerts/{consent}", m.answerAlert)
	m.mux.HandleFunc("GET /alerts/{consent}/{alert}/block", m.showBlock)
	m.mux.HandleFunc("GET /talk/{consent}", m.showTalk)
	m.mux.HandleFunc("POST /talk/{consent}", m.say)
	m.mux.HandleFunc("POST /talk/{consent}/mark", m.mark)
	m.mux.HandleFunc("POST /talk/{consent}/close", m.closeTalk)
	m.mux.HandleFunc("GET /share", m.showShare)
	m.mux.HandleFunc("GET /share/{consent}/end", m.showEnd)
	m.mux.HandleFunc("POST /share/{consent}/end", m.endSharing)
	m.mux.HandleFunc("GET /holds", m.showHolds)
	m.mux.HandleFunc("GET /events", m.stream)
	m.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { m.fail(w, r, http.StatusNotFound, "trouble.page") })
}

func (m *Messenger) bank(id string) (Bank, bool) {
	i := slices.IndexFunc(m.config.Banks, func(b Bank) bool { return b.ID == id })
	if i < 0 {
		return Bank{}, false
	}
	return m.config.Banks[i], true
}
