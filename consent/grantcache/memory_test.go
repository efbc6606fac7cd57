package grantcache_test

import (
	"crypto/rand"
	"flag"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"

	"sluice/consent"
	"sluice/consent/grantcache"
)

var grants = flag.Int("grants", 100_000, "how many grants BenchmarkRedisMemory keeps")

// BenchmarkRedisMemory reports how many bytes of Redis' memory a grant of three
// accounts takes, by Redis' own count.
func BenchmarkRedisMemory(b *testing.B) {
	addr := os.Getenv("SLUICE_TEST_REDIS")
	if addr == "" {
		b.Skip("SLUICE_TEST_REDIS names no server")
	}
	client := redis.NewClient(&redis.Options{Addr: addr})
	r, err := grantcache.NewRedis(client, secret, rand.Text(), running())
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	g := grant(b, "con_0", 2)
	var perGrant, size float64
	for b.Loop() {
		if err := client.FlushAll(b.Context()).Err(); err != nil {
			b.Fatal(err)
		}
		before := used(b, client)
		pipe := client.Pipeline()
		for i := range *grants {
			key, value, err := r.Sealed(grantNamed(b, g, consent.ID("con_"+rand.Text())), consent.Position{Shard: int64(i % 255), Pos: int64(i)})
			if err != nil {
				b.Fatal(err)
			}
			pipe.Set(b.Context(), key, value, 0)
			if i%1000 == 999 {
				if _, err := pipe.Exec(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			size = float64(len(key) + len(value))
		}
		perGrant = float64(used(b, client)-before) / float64(*grants)
	}
	b.ReportMetric(perGrant, "B/grant")
	b.ReportMetric(size, "B-of-content/grant")
}

func used(b *testing.B, client *redis.Client) int64 {
	b.Helper()
	info, err := client.Info(b.Context(), "memory").Result()
	if err != nil {
		b.Fatal(err)
	}
	m := regexp.MustCompile(`used_memory:(\d+)`).FindStringSubmatch(info)
	if m == nil {
		b.Fatalf("no used_memory in %q", info)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}
