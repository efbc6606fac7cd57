package web

import (
	"sluice/consent"
	"sluice/disclosure"
)

const (
	chartDays   = 30
	chartHeight = 48
	barStep     = 10
	barWidth    = 8
)

// chart is reads per day as bars, and as the table beside them.
type chart struct {
	ID         string
	Width      int
	Height     int
	Bars       []bar
	Rows       []bar // days with reads or news only, newest first
	Total      int
	Unattended int
	Told       int // of news; no reads
	Most       int
}

type bar struct {
	Day        consent.Day
	X, Width   int
	Y, Height  int // all reads
	UY, UH     int // of them unattended
	Reads      int
	Unattended int
	Told       int
}

// chartOf draws the days up to today; a day that is not counted had none.
func chartOf(id string, today consent.Day, days []disclosure.DayCount) chart {
	counts := map[consent.Day]disclosure.DayCount{}
	c := chart{ID: id, Width: chartDays * barStep, Height: chartHeight}
	for _, d := range days {
		if d.Day > today-chartDays && d.Day <= today {
			counts[d.Day] = d
			c.Total += d.Reads()
			c.Unattended += d.UnattendedReads()
			c.Told += d.Events
			c.Most = max(c.Most, d.Reads())
		}
	}
	for i := range chartDays {
		day := today - chartDays + 1 + consent.Day(i)
		n := counts[day]
		b := bar{Day: day, X: i*barStep + 1, Width: barWidth, Reads: n.Reads(), Unattended: n.UnattendedReads(), Told: n.Events}
		b.Height, b.UH = height(b.Reads, c.Most), height(min(b.Unattended, b.Reads), c.Most)
		b.Y, b.UY = chartHeight-b.Height, chartHeight-b.UH
		c.Bars = append(c.Bars, b)
		if n.Releases > 0 {
			c.Rows = append([]bar{b}, c.Rows...)
		}
	}
	return c
}

// height is of the tallest bar's; what is there at all can be seen.
func height(n, most int) int {
	if n == 0 || most == 0 {
		return 0
	}
	return max(2, n*chartHeight/most)
}
