package grantcache_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice/consent"
	"sluice/consent/grantcache"
)

var secret = []byte("a secret of more than thirty-two bytes")

// servers runs a test on a single Redis and on a Redis Cluster over TLS.
func servers(t *testing.T, test func(t *testing.T, connect func() redis.UniversalClient)) {
	t.Helper()
	t.Run("single", func(t *testing.T) {
		o := &redis.UniversalOptions{Addrs: []string{address(t, "SLUICE_TEST_REDIS")}}
		test(t, func() redis.UniversalClient { return redis.NewUniversalClient(o) })
	})
	t.Run("cluster over TLS", func(t *testing.T) {
		o := &redis.UniversalOptions{
			Addrs: strings.Split(address(t, "SLUICE_TEST_REDIS_CLUSTER"), ","), IsClusterMode: true, TLSConfig: testTLS(t),
		}
		test(t, func() redis.UniversalClient { return redis.NewUniversalClient(o) })
	})
}

func address(t *testing.T, name string) string {
	t.Helper()
	a := os.Getenv(name)
	switch {
	case a == "" && os.Getenv("SLUICE_TEST_ALL") != "":
		t.Fatalf("%s names no server", name)
	case a == "":
		t.Skipf("%s names no server; deploy/services.sh up starts one", name)
	}
	return a
}

func testTLS(t *testing.T) *tls.Config {
	t.Helper()
	dir := os.Getenv("SLUICE_TEST_TLS")
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, "client.crt"), filepath.Join(dir, "client.key"))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, RootCAs: roots}
}

func running() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

func open(t *testing.T, client redis.UniversalClient) *grantcache.Redis {
	t.Helper()
	// An incarnation of its own keeps tests apart, and one run from the next.
	r, err := grantcache.NewRedis(client, secret, rand.Text(), running())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// eventually waits for what is kept soon.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Errorf("%s did not happen", what)
}

// put keeps a grant, trying again: a cache that is slow may drop it.
func put(t *testing.T, r *grantcache.Redis, g consent.Grant, at consent.Position) {
	t.Helper()
	eventually(t, "Put", func() bool {
		r.Put(g, at)
		time.Sleep(time.Millisecond)
		return has(t, r, g, at)
	})
}

func has(t *testing.T, r *grantcache.Redis, want consent.Grant, at consent.Position) bool {
	t.Helper()
	g, pos, ok := r.Get(t.Context(), want.ID())
	return ok && g.Digest() == want.Digest() && pos == at
}

func TestAGrantComesBackFromRedisWithItsPosition(t *testing.T) {
	servers(t, func(t *testing.T, connect func() redis.UniversalClient) {
		r, at := open(t, connect()), consent.Position{Shard: 200, Pos: 1 << 40}
		for _, id := range []consent.ID{"con_a", "con_b", "con_c", "con_d"} { // on several nodes
			g := grant(t, id, 2)
			put(t, r, g, at)
		}
		if _, _, ok := r.Get(t.Context(), "con_none"); ok {
			t.Error("an absent one was found")
		}
	})
}

func TestAnOlderGrantDoesNotReplaceANewerInRedis(t *testing.T) {
	servers(t, func(t *testing.T, connect func() redis.UniversalClient) {
		r, at := open(t, connect()), consent.Position{Shard: 1, Pos: 7}
		put(t, r, grant(t, "con_1", 4), at)
		r.Put(grant(t, "con_1", 2), at)
		put(t, r, grant(t, "con_end", 2), at) // comes after it
		if !has(t, r, grant(t, "con_1", 4), at) {
			t.Error("revision 4 is gone")
		}
		eventually(t, "Bury", func() bool {
			r.Bury("con_1", 5)
			time.Sleep(time.Millisecond)
			_, _, found := r.Get(t.Context(), "con_1")
			return !found
		})
		r.Put(grant(t, "con_1", 4), at)
		put(t, r, grant(t, "con_end", 4), at)
		if _, _, ok := r.Get(t.Context(), "con_1"); ok {
			t.Error("a buried grant was found")
		}
		put(t, r, grant(t, "con_1", 6), at)
	})
}

func TestNothingForgedInRedisIsBelieved(t *testing.T) {
	servers(t, func(t *testing.T, connect func() redis.UniversalClient) {
		client := connect()
		r, at := open(t, connect()), consent.Position{Shard: 1, Pos: 7}
		mine, other := grant(t, "con_1", 2), grant(t, "con_2", 2)
		before := keys(t, client)
		put(t, r, mine, at)
		key := added(t, client, before)
		before = keys(t, client)
		put(t, r, other, at)
		otherKey := added(t, client, before)
		good, err := client.Get(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(good) {
			forged := []byte(good)
			forged[i] ^= 1
			refuses(t, client, r, key, string(forged), "con_1")
		}
		for n := range len(good) {
			refuses(t, client, r, key, good[:n], "con_1")
		}
		refuses(t, client, r, key, good+"x", "con_1")
		refuses(t, client, r, otherKey, good, "con_2") // another's grant
		elsewhere, err := grantcache.NewRedis(connect(), secret, "restored", running())
		if err != nil {
			t.Fatal(err)
		}
		defer elsewhere.Close()
		if _, _, ok := elsewhere.Get(t.Context(), "con_1"); ok {
			t.Error("another incarnation found it")
		}
	})
}

func refuses(t *testing.T, client redis.UniversalClient, r *grantcache.Redis, key, value string, id consent.ID) {
	t.Helper()
	if err := client.Set(t.Context(), key, value, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if g, _, ok := r.Get(t.Context(), id); ok {
		t.Errorf("%q was believed to be %s", value, g.ID())
	}
}

func keys(t *testing.T, client redis.UniversalClient) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	scan := func(ctx context.Context, c *redis.Client) error {
		found, err := c.Keys(ctx, "*").Result()
		for _, k := range found {
			out[k] = true
		}
		return err
	}
	var err error
	switch c := client.(type) {
	case *redis.ClusterClient:
		for _, node := range strings.Split(os.Getenv("SLUICE_TEST_REDIS_CLUSTER"), ",") {
			one := redis.NewClient(&redis.Options{Addr: node, TLSConfig: testTLS(t)})
			if err == nil {
				err = scan(t.Context(), one)
			}
			_ = one.Close()
		}
	case *redis.Client:
		err = scan(t.Context(), c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func added(t *testing.T, client redis.UniversalClient, before map[string]bool) string {
	t.Helper()
	for k := range keys(t, client) {
		if !before[k] {
			return k
		}
	}
	t.Fatal("no key was added")
	return ""
}

func TestRedisSeesNothingOfAGrant(t *testing.T) {
	servers(t, func(t *testing.T, connect func() redis.UniversalClient) {
		client := connect()
		r, at := open(t, connect()), consent.Position{Shard: 1, Pos: 7}
		before := keys(t, client)
		g := grant(t, "con_GU5S43HWKAAOTMI7REUMEP5XR5", 2)
		put(t, r, g, at)
		key := added(t, client, before)
		value, err := client.Get(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"con_", "messenger", "morava", "9593", "A7753", "L6577", "C1005"} {
			if strings.Contains(key+value, word) {
				t.Errorf("%q stands in Redis", word)
			}
		}
	})
}

func TestRedisBeingAwayIsLikeHavingNothing(t *testing.T) {
	var listen net.ListenConfig
	silent, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0") // takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, addr := range map[string]string{"refused": "127.0.0.1:1", "silent": silent.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			r := open(t, redis.NewClient(&redis.Options{
				Addr: addr, MaxRetries: -1, ContextTimeoutEnabled: true, DialTimeout: 100 * time.Millisecond, ReadTimeout: 100 * time.Millisecond,
			}))
			s := &truth{}
			s.set(grant(t, "con_1", 2))
			c := grantcache.New(grantcache.Config{Source: s, Shared: r, Entries: 1000, Fresh: always})
			c.Begin(nil)
			for range 3 {
				if revision := revisionOf(t, c, "con_1"); revision != 2 {
					t.Errorf("revision %d, want 2", revision)
				}
				c.Begin(nil)
			}
		})
	}
}

func TestAShortSecretIsRefused(t *testing.T) {
	if _, err := grantcache.NewRedis(nil, []byte("short"), "one", running()); err == nil {
		t.Error("it was taken")
	}
}
