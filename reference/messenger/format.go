package messenger

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	minus   = "\u2212"
	noBreak = "\u00a0"
	cents   = 10_000_000 // nanos
)

// amount writes money as people of a language do. What it has of less than a
// hundredth is not shown.
func amount(lang string, a *moneypb.Money) string {
	if a == nil {
		return ""
	}
	group, point := ",", "."
	if lang == "lt" {
		group, point = noBreak, ","
	}
	units, part, sign := abs(a.GetUnits()), abs(int64(a.GetNanos()))/cents, ""
	if a.GetUnits() < 0 || a.GetNanos() < 0 {
		sign = minus
	}
	digits := strconv.FormatInt(units, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(group)
		}
		b.WriteRune(d)
	}
	return fmt.Sprintf("%s%s%s%02d%s%s", sign, b.String(), point, part, noBreak, a.GetCurrencyCode())
}

// day writes a day.
func day(lang string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if lang == "lt" {
		return t.Format("2006-01-02")
	}
	return t.Format("2 Jan 2006")
}

// moment writes a time of a day, and of which zone it is.
func moment(lang string, zone *time.Location, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(zone)
	return day(lang, t) + ", " + t.Format("15:04 MST")
}

// stamp is a timestamp, zero if there is none.
func stamp(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

// size writes how large a file is.
func size(bytes int64) string {
	const kilo = 1024
	if bytes < kilo*kilo {
		return strconv.FormatInt(max(1, bytes/kilo), 10) + noBreak + "KB"
	}
	return strconv.FormatInt(bytes/kilo/kilo, 10) + noBreak + "MB"
}

func clone[M proto.Message](m M) M { return proto.CloneOf(m) }
