package consent

import (
	"fmt"
	"time"
)

// Day is a calendar day, counted from 1970-01-01. Banks' dates have no time
// zone; a Day compared with an instant is the day in UTC.
type Day int32

// NoDay means that no day was stated.
const NoDay Day = -1 << 31

const secondsPerDay = 24 * 60 * 60

// DayOf is the day of an instant in UTC.
func DayOf(t time.Time) Day {
	s := t.Unix()
	d := s / secondsPerDay
	if s%secondsPerDay < 0 {
		d--
	}
	return Day(d)
}

// DayFrom is the day of a calendar date. It is false for dates that do not
// exist, like February 30th, and for years outside 1 to 9999.
func DayFrom(year, month, day int) (Day, bool) {
	if year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 {
		return NoDay, false
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return DayOf(t), t.Day() == day
}

// ParseDay reads "2006-01-02".
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return NoDay, fmt.Errorf("parse day: %w", err)
	}
	return DayOf(t), nil
}

// Start is the first instant of the day in UTC.
func (d Day) Start() time.Time { return time.Unix(int64(d)*secondsPerDay, 0).UTC() }

// Date splits the day into year, month and day of month.
func (d Day) Date() (year, month, day int) {
	y, m, dd := d.Start().Date()
	return y, int(m), dd
}

// String is "2006-01-02", or "" for NoDay.
func (d Day) String() string {
	if d == NoDay {
		return ""
	}
	return d.Start().Format(time.DateOnly)
}
