package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// jst is the time people here live by; Japan has had no other since 1951.
var jst = time.FixedZone("JST", 9*60*60)

// era is one Japanese era by its first day.
type era struct {
	name    string
	y, m, d int
}

// eras are those whose dates can stand in a register today, newest first.
func eras() []era {
	return []era{
		{"令和", 2019, 5, 1}, {"平成", 1989, 1, 8}, {"昭和", 1926, 12, 25},
		{"大正", 1912, 7, 30}, {"明治", 1868, 1, 25},
	}
}

// Era is a calendar day in Japanese era years: 令和8年11月22日. The first year
// is 元年. Days before Meiji stay as Gregorian years.
func Era(t time.Time) string {
	t = t.In(jst)
	day := t.Year()*10000 + int(t.Month())*100 + t.Day()
	for _, e := range eras() {
		if day >= e.y*10000+e.m*100+e.d {
			year := strconv.Itoa(t.Year() - e.y + 1)
			if year == "1" {
				year = "元"
			}
			return fmt.Sprintf("%s%s年%d月%d日", e.name, year, t.Month(), t.Day())
		}
	}
	return fmt.Sprintf("%d年%d月%d日", t.Year(), t.Month(), t.Day())
}

// Date is a day as people read it, in Japan's time zone:
// 令和8年11月22日（2026-11-22） or 22 November 2026 (2026-11-22). The zero time
// is a dash.
func Date(l Lang, t time.Time) string {
	if t.IsZero() {
		return "—"
	}
	t = t.In(jst)
	if l == EN {
		return t.Format("2 January 2006 (2006-01-02)")
	}
	return Era(t) + t.Format("（2006-01-02）")
}

// DateTime is a moment to the minute, in Japan's time zone.
func DateTime(l Lang, t time.Time) string {
	if t.IsZero() {
		return "—"
	}
	return Date(l, t) + " " + Clock(t)
}

// Clock is the time of day in Japan: 15:04.
func Clock(t time.Time) string { return t.In(jst).Format("15:04") }

// Number writes n with thousands separators: 12,800.
func Number(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}
