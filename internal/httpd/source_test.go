package httpd_test

import (
	"net/http"
	"testing"

	"tegata/internal/httpd"
)

// Whoever has an IPv6 address has 2^64 of them: they are one source.
func TestASourceIsAnAddressOrANetwork(t *testing.T) {
	for from, want := range map[string]string{
		"203.0.113.5:4000":            "203.0.113.5",
		"[::ffff:203.0.113.5]:4000":   "203.0.113.5",
		"[2001:db8:1:2::1]:4000":      "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff::9]:5000": "2001:db8:1:2::/64",
		"[2001:db8:1:3::1]:4000":      "2001:db8:1:3::/64",
		"[fe80::1%eth0]:4000":         "fe80::/64",
		"pipe":                        "pipe",
	} {
		if got := httpd.Source(&http.Request{RemoteAddr: from}); got != want {
			t.Errorf("%s is %s, want %s", from, got, want)
		}
	}
}
