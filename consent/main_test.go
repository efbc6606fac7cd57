package consent_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain walks longer than rapid's default, unless -rapid.checks says how
// long: a consent's life has many turns.
func TestMain(m *testing.M) {
	flag.Parse()
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set("400"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}
