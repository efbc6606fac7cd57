package grantcache

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice/consent"
	"sluice/mutant"
)

const (
	keySize      = 16 // bytes of a Redis key
	tagSize      = 12 // bytes of the seal's tag: 96 bits are enough (NIST SP 800-38D, 5.2.1.2), and four of them a size class of Redis' allocator
	revisionSize = 6  // bytes of the revision before the seal, so that Redis can compare
	putQueue     = 4096
	putTimeout   = 200 * time.Millisecond
	getTimeout   = 50 * time.Millisecond
	restAfter    = time.Second // how long Redis is left alone after it failed
	buriedFor    = time.Minute
)

// setIfNewer keeps a value unless one of a newer revision is there. The first
// six bytes are the revision, big-endian; Lua compares strings as bytes.
var setIfNewer = redis.NewScript(`
local have = redis.call('GETRANGE', KEYS[1], 0, 5)
if #have == 6 and have > string.sub(ARGV[1], 1, 6) and ARGV[3] == '1' then return 0 end
if ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[1])
else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1`)

// Redis is a Shared cache in Redis, Redis Cluster or behind Sentinel. It may be
// used by many goroutines and must be closed.
type Redis struct {
	client redis.UniversalClient
	seal   cipher.AEAD
	naming []byte
	puts   chan put
	rests  atomic.Int64 // until when, on the clock
	clock  func() time.Duration
	done   sync.WaitGroup
}

type put struct {
	id    consent.ID
	value []byte
	keep  time.Duration // for ever if 0
}

// Server says where Redis is. It need not be there: it may come later, or never.
type Server struct {
	Addresses      []string // of one server, of Sentinels, or of nodes of a Cluster
	Cluster        bool
	SentinelMaster string
	Username       string
	Password       string
	TLS            *tls.Config // nil for none
}

// Connect makes a client, which connects when it is needed.
func (s Server) Connect() redis.UniversalClient {
	return redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs: s.Addresses, IsClusterMode: s.Cluster, MasterName: s.SentinelMaster,
		Username: s.Username, Password: s.Password, TLSConfig: s.TLS,
		DialTimeout: time.Second, ReadTimeout: putTimeout, WriteTimeout: putTimeout, PoolTimeout: putTimeout,
		MaxRetries: -1, ContextTimeoutEnabled: true,
	})
}

// NewRedis keeps grants of one incarnation of the database with keys made from
// the secret, at least 32 bytes, which must be the same on all replicas. Another
// incarnation's entries can't be found or opened. The clock never steps.
func NewRedis(client redis.UniversalClient, secret []byte, incarnation string, clock func() time.Duration) (*Redis, error) {
	if len(secret) < sha256.Size {
		return nil, errors.New("the secret of the grant cache is too short") //nolint:err113 // nothing to tell apart
	}
	sealing, err := hkdf.Key(sha256.New, secret, []byte(incarnation), "sluice grantcache seal v1", 32)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	naming, err := hkdf.Key(sha256.New, secret, []byte(incarnation), "sluice grantcache name v1", 32)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, fmt.Errorf("make seal: %w", err)
	}
	seal, err := cipher.NewGCMWithTagSize(block, tagSize)
	if err != nil {
		return nil, fmt.Errorf("make seal: %w", err)
	}
	r := &Redis{client: client, seal: seal, naming: naming, puts: make(chan put, putQueue), clock: clock}
	r.done.Go(r.putAll)
	return r, nil
}

// Close writes what waits and lets go of the client.
func (r *Redis) Close() error {
	close(r.puts)
	r.done.Wait()
	if err := r.client.Close(); err != nil {
		return fmt.Errorf("close redis: %w", err)
	}
	return nil
}

// Get finds a grant whose seal is good. Redis being away is like having nothing.
func (r *Redis) Get(ctx context.Context, id consent.ID) (consent.Grant, consent.Position, bool) {
	if r.resting() {
		return consent.Grant{}, consent.Position{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, getTimeout)
	defer cancel()
	key := r.name(id)
	value, err := r.client.Get(ctx, key).Bytes()
	if err != nil {
		if !errors.Is(err, redis.Nil) {
			r.rest()
		}
		return consent.Grant{}, consent.Position{}, false
	}
	return r.open(key, id, value)
}

// Put keeps a grant, soon, unless a newer one is there.
func (r *Redis) Put(g consent.Grant, at consent.Position) {
	value, err := r.sealed(g, at)
	if err != nil {
		return
	}
	r.enqueue(put{id: g.ID(), value: value})
}

// Bury drops what is older than the revision, soon, and keeps it from coming
// back for as long as a slow reader may still want to put it.
func (r *Redis) Bury(id consent.ID, revision int64) {
	r.enqueue(put{id: id, value: label(revision), keep: buriedFor})
}

func (r *Redis) enqueue(p put) {
	select {
	case r.puts <- p:
	default: // a cache that can't keep up keeps less
	}
}

func (r *Redis) putAll() {
	for p := range r.puts {
		if r.resting() {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), putTimeout)
		compare := "1"
		if mutant.Is(mutant.NoSetIfNewer) {
			compare = "0"
		}
		err := setIfNewer.Run(ctx, r.client, []string{r.name(p.id)}, p.value, p.keep.Milliseconds(), compare).Err()
		if err != nil && !errors.Is(err, redis.Nil) {
			r.rest()
		}
		cancel()
	}
}

// rest leaves Redis alone for a while, so that its being away costs little.
func (r *Redis) rest()         { r.rests.Store(int64(r.clock() + restAfter)) }
func (r *Redis) resting() bool { return int64(r.clock()) < r.rests.Load() }

func (r *Redis) name(id consent.ID) string {
	mac := hmac.New(sha256.New, r.naming)
	mac.Write([]byte(id))
	return string(mac.Sum(nil)[:keySize])
}

func label(revision int64) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(revision))
	return b[8-revisionSize:]
}

// sealed is revision ‖ nonce ‖ sealed(position, grant), bound to its key and
// its revision.
func (r *Redis) sealed(g consent.Grant, at consent.Position) ([]byte, error) {
	plain := binary.AppendUvarint(nil, uint64(at.Shard))
	plain = binary.AppendUvarint(plain, uint64(at.Pos))
	plain, err := g.AppendBinary(plain)
	if err != nil {
		return nil, fmt.Errorf("encode grant: %w", err)
	}
	out := make([]byte, revisionSize+r.seal.NonceSize(), revisionSize+r.seal.NonceSize()+len(plain)+r.seal.Overhead())
	copy(out, label(g.Revision()))
	nonce := out[revisionSize:]
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("make nonce: %w", err)
	}
	return r.seal.Seal(out, nonce, plain, append([]byte(r.name(g.ID())), out[:revisionSize]...)), nil
}

func (r *Redis) open(key string, id consent.ID, value []byte) (consent.Grant, consent.Position, bool) {
	var at consent.Position
	n := revisionSize + r.seal.NonceSize()
	if len(value) < n {
		return consent.Grant{}, at, false // buried, or made up
	}
	plain, err := r.seal.Open(nil, value[revisionSize:n], value[n:], append([]byte(key), value[:revisionSize]...))
	if err != nil {
		return consent.Grant{}, at, false
	}
	shard, a := binary.Uvarint(plain)
	if a <= 0 {
		return consent.Grant{}, at, false
	}
	pos, b := binary.Uvarint(plain[a:])
	if b <= 0 {
		return consent.Grant{}, at, false
	}
	g, err := consent.ParseGrant(id, plain[a+b:])
	if err != nil {
		return consent.Grant{}, at, false
	}
	return g, consent.Position{Shard: int64(shard), Pos: int64(pos)}, true
}
