package consent_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"sluice/consent"
	"sluice/refusal"
)

func TestACursorSurvivesItsTextAndNeverGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c consent.Cursor
		far := map[int64]int64{}
		for range rapid.IntRange(0, 300).Draw(t, "moves") {
			p := consent.Position{Shard: rapid.Int64Range(0, consent.Shards-1).Draw(t, "shard"), Pos: rapid.Int64Range(1, 1<<62).Draw(t, "pos")}
			before := c.At(p.Shard)
			moved := c.Past(p)
			if c.At(p.Shard) != before {
				t.Fatal("the cursor before was changed")
			}
			c, far[p.Shard] = moved, max(far[p.Shard], p.Pos)
		}
		text := c.String()
		read, err := consent.ParseCursor(text)
		if err != nil || read.String() != text {
			t.Fatalf("ParseCursor(%q) = %q, %v", text, read, err)
		}
		for shard := range int64(consent.Shards) {
			if read.At(shard) != far[shard] {
				t.Fatalf("shard %d is at %d, want %d", shard, read.At(shard), far[shard])
			}
		}
		// It has to fit into a message of the contract, sealed and encoded again.
		if len(text) > 8192 {
			t.Fatalf("%d characters", len(text))
		}
	})
}

func TestWhatIsNoCursorIsNotRead(t *testing.T) {
	for name, text := range map[string]string{
		"not base64":        "!",
		"half a pair":       "AA",
		"position 0":        "AAA",
		"no such shard":     "gAIB",
		"shards not sorted": "AQEAAQ",
		"a shard twice":     "AQEBAg",
		"padding":           "AAE=",
	} {
		if c, err := consent.ParseCursor(text); !errors.Is(err, consent.ErrCursor) {
			t.Errorf("%s: ParseCursor(%q) = %v, %v", name, text, c, err)
		}
	}
	if c, err := consent.ParseCursor(""); err != nil || c.String() != "" {
		t.Errorf("the beginning reads %q, %v", c, err)
	}
}

func TestEventsAreOfOnePartnerOrOneBank(t *testing.T) {
	s, f := failing()
	s.authorize(t)
	for _, q := range []consent.EventQuery{{Limit: 1}, {Partner: "messenger", Bank: "morava", Limit: 1}} {
		_, _, err := s.Events(t.Context(), q)
		wantRefusal(t, err, refusal.InvalidRequest, "query")
	}
	_, _, err := s.Events(t.Context(), consent.EventQuery{Bank: "morava"})
	wantRefusal(t, err, refusal.InvalidRequest, "page_size")
	f.events = errDisk
	_, _, err = s.Events(t.Context(), consent.EventQuery{Bank: "morava", Limit: 1})
	wantRefusal(t, err, refusal.RecordUnavailable)
}

func FuzzParseCursor(f *testing.F) {
	f.Add("")
	f.Add("AAE")
	f.Add(consent.Cursor{}.Past(consent.Position{Shard: 255, Pos: 1 << 40}, consent.Position{Pos: 3}).String())
	f.Fuzz(func(t *testing.T, text string) {
		c, err := consent.ParseCursor(text)
		if err != nil {
			return
		}
		again, err := consent.ParseCursor(c.String())
		if err != nil || again.String() != c.String() {
			t.Errorf("%q reads %q and then %q, %v", text, c, again, err)
		}
	})
}
