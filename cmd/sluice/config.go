package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"

	"go.yaml.in/yaml/v3"
)

// config is all that can be said to "sluice serve". A key that is not here is
// refused. Passwords may stand in the environment instead.
type config struct {
	// Data is the directory with the authority (pki/), secrets.json and, without
	// a database URL, the SQLite database. Made if it is not there.
	Data string `yaml:"data"`
	// Listen is the address to serve gRPC on.
	Listen string `yaml:"listen"`
	// Metrics is the address to serve Prometheus metrics on; none if empty.
	Metrics string `yaml:"metrics"`
	// Reflection answers gRPC reflection to authenticated callers.
	Reflection bool `yaml:"reflection"`
	// LogLevel is the least level to log: debug, info, warn or error.
	LogLevel string `yaml:"log_level"`
	// Database is where the truth is.
	Database databaseConfig `yaml:"database"`
	// Redis is the cache that replicas share; none if it has no addresses.
	Redis redisConfig `yaml:"redis"`
	// Replica is this process among those that share a database.
	Replica replicaConfig `yaml:"replica"`
	// Cache is the cache of grants in this process.
	Cache cacheConfig `yaml:"cache"`
	// Web is what customers and partners' clients reach over HTTPS.
	Web webConfig `yaml:"web"`
}

type webConfig struct {
	// Listen is the address to serve the customer's pages and the authorization
	// server on; neither if empty.
	Listen string `yaml:"listen"`
	// URL is that as the outside sees it, https://HOST[:PORT]; it is the issuer of
	// tokens, and the same on all replicas. https://localhost:PORT if empty.
	URL string `yaml:"url"`
	// MTLSListen and MTLSURL are the same for clients that show a certificate.
	MTLSListen string `yaml:"mtls_listen"`
	MTLSURL    string `yaml:"mtls_url"`
	// Authority is HOST:PORT at which partners call gRPC, as their proofs name it;
	// the address gRPC is served on if empty.
	Authority string `yaml:"authority"`
	// Operator is the name of who checks partners' names, as customers know it.
	Operator string `yaml:"operator"`
	// Cert and Key are the files with what browsers shall see; a certificate of the
	// development authority if empty.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
	// PrivateAddresses lets banks' logins and partners' keys be at addresses of the
	// own network, with certificates of the development authority. For development.
	PrivateAddresses bool `yaml:"private_addresses"`
}

type databaseConfig struct {
	// URL is PostgreSQL's, with the rights of the role sluice_gateway; SQLite in
	// Data if empty. The environment's SLUICE_DATABASE_URL goes before it.
	URL string `yaml:"url"`
	// Connections is how many to hold at most; 16 if 0.
	Connections int `yaml:"connections"`
	// Durability is "replicated" (a synchronous standby has what was
	// acknowledged) or "single-node" (there is no standby that could take over).
	Durability string `yaml:"durability"`
}

type redisConfig struct {
	// Addresses of one server, of Sentinels, or of nodes of a Cluster.
	Addresses []string `yaml:"addresses"`
	// Cluster says that it is a Cluster, whatever the number of addresses.
	Cluster bool `yaml:"cluster"`
	// SentinelMaster names the master that the Sentinels watch.
	SentinelMaster string `yaml:"sentinel_master"`
	// Username of an ACL user.
	Username string `yaml:"username"`
	// Password; the environment's SLUICE_REDIS_PASSWORD goes before it.
	Password string `yaml:"password"`
	// TLS of the connections; none if it has no CA.
	TLS tlsConfig `yaml:"tls"`
}

type tlsConfig struct {
	// CA is the file with the certificates to believe.
	CA string `yaml:"ca"`
	// Cert and Key are the files with the client's own, if it needs one.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

type replicaConfig struct {
	// Advertise is the address at which other replicas reach this one's gRPC; the
	// one it listens on if empty.
	Advertise string `yaml:"advertise"`
}

type cacheConfig struct {
	// Entries is how many grants to keep at most, about half a kilobyte each.
	Entries int `yaml:"entries"`
}

const (
	replicated = "replicated"
	singleNode = "single-node"
)

func defaultConfig() config {
	return config{
		Data: "./sluice-data", Listen: "127.0.0.1:8443", LogLevel: "info",
		Database: databaseConfig{Durability: replicated}, Cache: cacheConfig{Entries: 100_000},
		Web: webConfig{Operator: "the operator of this gateway"},
	}
}

// readConfig reads a file over the defaults, and the environment over the file.
func readConfig(path string) (config, error) {
	c := defaultConfig()
	if path != "" {
		raw, err := os.ReadFile(path)
		if err != nil {
			return config{}, fmt.Errorf("read configuration: %w", err)
		}
		decoder := yaml.NewDecoder(bytes.NewReader(raw))
		decoder.KnownFields(true)
		if err := decoder.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
			return config{}, fmt.Errorf("read configuration %s: %w", path, err)
		}
	}
	if url := os.Getenv("SLUICE_DATABASE_URL"); url != "" {
		c.Database.URL = url
	}
	if password := os.Getenv("SLUICE_REDIS_PASSWORD"); password != "" {
		c.Redis.Password = password
	}
	return c, nil
}

// check says what is wrong with a configuration, all of it.
func (c config) check() error {
	var faults []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf("configuration: "+format, args...)) //nolint:err113 // for a person
		}
	}
	refuse(c.Data == "", "data is empty")
	for key, address := range map[string]string{"listen": c.Listen, "metrics": c.Metrics, "replica.advertise": c.Replica.Advertise, "web.listen": c.Web.Listen, "web.mtls_listen": c.Web.MTLSListen, "web.authority": c.Web.Authority} {
		_, _, err := net.SplitHostPort(address)
		refuse(err != nil && (address != "" || key == "listen"), "%s is %q, not HOST:PORT", key, address)
	}
	faults = append(faults, c.Web.check(c.Listen, c.Database.URL != "")...)
	refuse(c.Cache.Entries < 1, "cache.entries is %d, not at least 1", c.Cache.Entries)
	refuse(c.Database.Connections < 0, "database.connections is %d", c.Database.Connections)
	refuse(c.Database.Durability != replicated && c.Database.Durability != singleNode,
		"database.durability is %q, not %q or %q", c.Database.Durability, replicated, singleNode)
	refuse(len(c.Redis.Addresses) > 0 && c.Database.URL == "", "redis is for replicas, which need database.url")
	refuse(c.Redis.Cluster && c.Redis.SentinelMaster != "", "redis is a cluster or behind sentinels, not both")
	refuse((c.Redis.TLS.Cert == "") != (c.Redis.TLS.Key == ""), "redis.tls needs both cert and key, or neither")
	if _, err := newLogger(c.LogLevel); err != nil {
		faults = append(faults, err)
	}
	if _, err := c.Redis.TLS.load(); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// check says what is wrong with the front of a gateway that serves gRPC there,
// alone or among replicas.
func (c webConfig) check(grpcListen string, replicas bool) []error {
	var faults []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf("configuration: "+format, args...)) //nolint:err113 // for a person
		}
	}
	refuse((c.Listen == "") != (c.MTLSListen == ""), "web needs both listen and mtls_listen, or neither")
	for key, address := range map[string]string{"web.url": c.URL, "web.mtls_url": c.MTLSURL} {
		u, err := url.Parse(address)
		refuse(address != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.Path != ""), "%s is %q, not https://HOST[:PORT]", key, address)
	}
	refuse((c.Cert == "") != (c.Key == ""), "web needs both cert and key, or neither")
	refuse(c.Listen != "" && replicas && (c.URL == "" || c.MTLSURL == "" || c.Authority == ""),
		"replicas need web.url, web.mtls_url and web.authority, the same for all: tokens and proofs name them")
	host, _, _ := net.SplitHostPort(grpcListen)
	refuse(c.Listen != "" && c.Authority == "" && (host == "" || net.ParseIP(host).IsUnspecified()),
		"web.authority is needed where listen is every address: proofs of partners' calls name it")
	if c.Cert != "" && c.Key != "" {
		if _, err := tls.LoadX509KeyPair(c.Cert, c.Key); err != nil {
			faults = append(faults, fmt.Errorf("configuration: web.cert and web.key: %w", err))
		}
	}
	return faults
}

// load makes the TLS configuration; nil without a CA.
func (t tlsConfig) load() (*tls.Config, error) {
	if t.CA == "" {
		return nil, nil //nolint:nilnil // no TLS is what nil says to the client
	}
	raw, err := os.ReadFile(t.CA)
	if err != nil {
		return nil, fmt.Errorf("read redis.tls.ca: %w", err)
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	if !out.RootCAs.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("read redis.tls.ca: no certificate in %s", t.CA) //nolint:err113 // for a person
	}
	if t.Cert != "" {
		cert, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("read redis.tls.cert: %w", err)
		}
		out.Certificates = []tls.Certificate{cert}
	}
	return out, nil
}
