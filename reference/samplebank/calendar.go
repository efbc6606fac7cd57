package samplebank

import (
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
)

// day is a calendar day, counted from 1970-01-01.
type day int

// The data is old; these constants move its newest rows to November 2026. They
// are multiples of seven, so that weekdays stay.
const (
	berkaShift  = 11921 // 1994-03-31 becomes 2026-11-19
	oxfordShift = 3185  // 2018-02-28 becomes 2026-11-18

	newest = day(20776) // 2026-11-19, the newest day once moved
	step   = 28         // and the data moves on by so many days, as a whole
)

const secondsPerDay = 24 * 60 * 60

func dayOf(t time.Time) day { return day(t.UTC().Truncate(24*time.Hour).Unix() / secondsPerDay) }

// rolled is by how many days the moved data moves on, so that its newest day is
// never in the future and less than one step old. Before the newest day it stays.
func rolled(today day) day {
	if today < newest {
		return 0
	}
	return (today - newest) / step * step
}

// parseBerkaDay reads "YYMMDD", all in the 1900s, with or without a time.
func parseBerkaDay(s string) (day, error) {
	t, err := time.Parse("060102", s[:min(6, len(s))])
	if err != nil {
		return 0, fmt.Errorf("parse day: %w", err)
	}
	return dayOf(t) + berkaShift, nil
}

func parseOxfordDay(s string) (day, error) {
	t, err := time.Parse("02/01/2006", s)
	if err != nil {
		return 0, fmt.Errorf("parse day: %w", err)
	}
	return dayOf(t) + oxfordShift, nil
}

func (d day) date() *date.Date {
	y, m, dd := time.Unix(int64(d)*secondsPerDay, 0).UTC().Date()
	return &date.Date{Year: int32(y), Month: int32(m), Day: int32(dd)}
}

// dayFrom is the day of a date; false if it does not exist.
func dayFrom(d *date.Date) (day, bool) {
	t := time.Date(int(d.GetYear()), time.Month(d.GetMonth()), int(d.GetDay()), 0, 0, 0, 0, time.UTC)
	return dayOf(t), t.Day() == int(d.GetDay()) && t.Month() == time.Month(d.GetMonth()) && d.GetYear() > 0
}
