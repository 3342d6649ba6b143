package ui

import "strconv"

// Yen is an amount of whole yen as people read it: 10,000円 or ¥10,000; -500円 out of an
// account.
func Yen(l Lang, n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if l == EN {
		return sign + "¥" + s
	}
	return sign + s + "円"
}
