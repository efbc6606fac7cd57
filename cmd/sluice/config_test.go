package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The example says every key there is, with its default where it has one.
func TestTheExampleConfigurationIsWholeAndGood(t *testing.T) {
	t.Setenv("SLUICE_DATABASE_URL", "")
	t.Setenv("SLUICE_REDIS_PASSWORD", "")
	const path = "../../deploy/sluice.example.yaml"
	c, err := readConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	c.Redis.TLS, c.Web.Cert, c.Web.Key = tlsConfig{}, "", "" // their files are not here
	if err := c.check(); err != nil {
		t.Error(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keysOf(reflect.TypeFor[config]()) {
		if !strings.Contains(string(raw), key+":") {
			t.Errorf("the example does not say %q", key)
		}
	}
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		keys = append(keys, f.Tag.Get("yaml"))
		if f.Type.Kind() == reflect.Struct {
			keys = append(keys, keysOf(f.Type)...)
		}
	}
	return keys
}

func TestTheConfigurationsOfTheContainersAreGood(t *testing.T) {
	t.Setenv("SLUICE_DATABASE_URL", "postgres://gateway@postgres/sluice")
	for _, path := range []string{"../../deploy/compose-1.yaml", "../../deploy/compose-2.yaml"} {
		c, err := readConfig(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.check(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Each of these would start, and then fail everybody who comes.
func TestAFrontThatNobodyCouldUseIsRefused(t *testing.T) {
	t.Setenv("SLUICE_DATABASE_URL", "")
	pages := "listen: 127.0.0.1:8444, mtls_listen: 127.0.0.1:8445"
	for name, tt := range map[string]struct{ config, says string }{
		"pages without an address for certificates": {"web: {listen: 127.0.0.1:8444}", "mtls_listen"},
		"a certificate that is not there":           {"web: {" + pages + ", cert: /nowhere.crt, key: /nowhere.key}", "web.cert"},
		"a certificate without its key":             {"web: {" + pages + ", cert: /nowhere.crt}", "both cert and key"},
		"replicas without one issuer":               {"web: {" + pages + "}\ndatabase: {url: postgres://db/x}", "web.url"},
		"every address, and none for proofs":        {"web: {" + pages + "}\nlisten: 0.0.0.0:8443", "web.authority"},
		"an issuer with a path":                     {"web: {" + pages + ", url: https://share.example/x}", "web.url"},
		"an issuer without TLS":                     {"web: {" + pages + ", url: http://share.example}", "web.url"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := readConfig(write(t, tt.config))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.check(); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("check = %v, want it to name %s", err, tt.says)
			}
		})
	}
}

func TestNothingSaidIsTheDefaults(t *testing.T) {
	for name, path := range map[string]string{"no file": "", "an empty one": write(t, "")} {
		c, err := readConfig(path)
		if err != nil || !reflect.DeepEqual(c, defaultConfig()) || c.check() != nil {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func TestAConfigurationThatIsWrongIsRefusedAndSaysWhere(t *testing.T) {
	for text, says := range map[string]string{
		"listn: 127.0.0.1:1":                          "listn",
		"database: {durability: maybe}":               "database.durability",
		"database: {pool: 3}":                         "pool",
		"redis: {addresses: [127.0.0.1:1]}":           "database.url",
		"cache: {entries: 0}":                         "cache.entries",
		"log_level: loud":                             "log level",
		"redis: {tls: {ca: /nowhere}}":                "redis.tls.ca",
		"redis: {tls: {cert: a}}":                     "redis.tls",
		"listen: [":                                   "configuration",
		"listen: nonsense":                            "listen",
		"metrics: alsobad":                            "metrics",
		"data: ''":                                    "data is empty",
		"redis: {cluster: true, sentinel_master: m1}": "sentinels",
	} {
		c, err := readConfig(write(t, text))
		if err == nil {
			err = c.check()
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want it to say %q", text, err, says)
		}
	}
}

func TestTheEnvironmentGoesBeforeTheFile(t *testing.T) {
	t.Setenv("SLUICE_DATABASE_URL", "postgres://env/x")
	t.Setenv("SLUICE_REDIS_PASSWORD", "env")
	c, err := readConfig(write(t, "database: {url: postgres://file/x}\nredis: {password: file}"))
	if err != nil || c.Database.URL != "postgres://env/x" || c.Redis.Password != "env" {
		t.Errorf("%+v, %v", c, err)
	}
}
