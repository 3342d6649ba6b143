package ui

import (
	"strconv"
	"strings"
	"time"

	"tegata/internal/pki"
)

// Date is a day as people read it, in Japan's time zone:
// 令和8年11月22日（2026-11-22） or 22 November 2026 (2026-11-22). The zero time
// is a dash.
func Date(l Lang, t time.Time) string {
	if t.IsZero() {
		return "—"
	}
	if l == EN {
		return t.In(pki.JST).Format("2 January 2006 (2006-01-02)")
	}
	return pki.EraDate(t)
}

// DateTime is a moment to the minute, in Japan's time zone.
func DateTime(l Lang, t time.Time) string {
	if t.IsZero() {
		return "—"
	}
	return Date(l, t) + " " + Clock(t)
}

// Clock is the time of day in Japan: 15:04.
func Clock(t time.Time) string { return t.In(pki.JST).Format("15:04") }

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
