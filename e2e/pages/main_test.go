package pages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sluice/e2e/stage"
)

const (
	chromium = "/usr/bin/chromium"
	axeFile  = "node_modules/axe-core/axe.min.js"
	morava   = "morava"
	labe     = "labe"   // is stopped in one test
	odra     = "odra"   // is stopped in another
	vltava   = "vltava" // has a desk
)

// set is what all tests share; made by TestMain, read only afterwards.
var set struct {
	*stage.Stage
	messenger *stage.Partner // asks by OAuth
	wallet    *stage.Asker   // asks over gRPC
	chat      string         // where the reference messenger is
	desk      string         // where the agents of vltava are
	browser   context.Context
	axe       string
}

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if err := present(); err != nil {
			fmt.Fprintln(os.Stderr, "pages:", err)
			if os.Getenv("SLUICE_TEST_ALL") != "" {
				return 1
			}
			fmt.Fprintln(os.Stderr, "pages: the tests are left out; deploy/chromium.sh gets what they need")
			return 0
		}
		end, err := open()
		defer end()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

// present says what is missing.
func present() error {
	_, missing := os.Stat(chromium)
	raw, err := os.ReadFile(axeFile)
	set.axe = string(raw)
	return errors.Join(missing, err)
}

func open() (end func(), err error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "sluice-pages-")
	if err != nil {
		return func() {}, err
	}
	var ends []func()
	end = func() {
		for i := len(ends) - 1; i >= 0; i-- {
			ends[i]()
		}
	}
	ends = append(ends, func() { _ = os.RemoveAll(dir) })
	program, err := stage.Build(ctx, dir)
	if err != nil {
		return end, err
	}
	if set.Stage, err = stage.Open(ctx, program); err != nil {
		return end, err
	}
	ends = append(ends, func() { _ = set.Close() })
	for id, name := range map[string]string{morava: "Banka Morava", labe: "Banka Labe", odra: "Banka Odra"} {
		if err := set.StartBank(ctx, id, name); err != nil {
			return end, err
		}
	}
	if set.messenger, err = set.Partner(ctx, "messenger", "Messenger"); err != nil {
		return end, err
	}
	if set.wallet, err = set.Asker(ctx, "wallet", "Wallet"); err != nil {
		return end, err
	}
	if set.desk, err = set.StartBankWithDesk(ctx, vltava, "Banka Vltava"); err != nil {
		return end, err
	}
	if set.chat, err = set.StartMessenger(ctx, "chat", "Messenger Chat", map[string]string{morava: "Banka Morava", vltava: "Banka Vltava"}); err != nil {
		return end, err
	}
	stop, err := startChromium(ctx, filepath.Join(dir, "profile"))
	ends = append(ends, stop)
	return end, err
}

// startChromium starts the one browser. It believes the stage's keys and no
// other of the development authority.
func startChromium(ctx context.Context, profile string) (func(), error) {
	keys, err := set.Keys()
	if err != nil {
		return func() {}, err
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium), chromedp.UserDataDir(profile), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("ignore-certificate-errors-spki-list", strings.Join(keys, ",")),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("mute-audio", true), chromedp.Flag("lang", "en-GB"),
		chromedp.Flag("font-render-hinting", "none"), chromedp.Flag("force-color-profile", "srgb"),
	}
	for _, f := range []string{
		"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-extensions",
		"disable-default-apps", "disable-dev-shm-usage", "no-pings", "disable-domain-reliability",
	} {
		options = append(options, chromedp.Flag(f, true))
	}
	allocator, stopAllocator := chromedp.NewExecAllocator(ctx, options...)
	browser, stop := chromedp.NewContext(allocator)
	set.browser = browser //nolint:fatcontext // the context is the browser
	end := func() { stop(); stopAllocator() }
	if err := chromedp.Do(browser); err != nil {
		return end, fmt.Errorf("start chromium: %w", err)
	}
	return end, nil
}

// within bounds one test's dealings with what is not the browser.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
