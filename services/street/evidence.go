package street

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Evidence is a certificate, answer or signature that an event carries,
// and the lines that check it in a terminal.
type Evidence struct {
	File  string // name under which it is downloaded
	URL   string // path on the street
	Lines string // what to type, one command a line
	Facts []Fact // what a certificate says, read from it here
}

// Fact is one line of a table.
type Fact struct{ Name, Value string }

// old is an event whose certificates may have ended since: a card of years ago in a
// sandbox that was just made.
const old = 24 * time.Hour

var (
	pemName       = regexp.MustCompile(`\b[a-z][a-z0-9-]*\.pem\b`)
	authorityName = regexp.MustCompile(`^(?:(?:card|phone)-(?:sign|auth)|ops)(?:-[0-9]+)?\.pem$`)
)

// evidence is what e carries; ok is false when it carries nothing.
//
// The lines before the check fetch what it names: the event's own file, which
// the check calls FILE or by a name such as certificate.pem; all authorities,
// BUNDLE or bundle.pem; one authority, phone-auth.pem. Without a check of its
// own, a certificate or a signature gets the usual one. Once the town's clock is
// ahead of the machine's, or the event is old, openssl is told its moment.
func (h *Handler) evidence(e entry) (Evidence, bool) {
	if e.PEM == "" && e.Check == "" {
		return Evidence{}, false
	}
	ev := Evidence{File: fmt.Sprintf("tegata-%d.pem", e.ID), URL: fmt.Sprintf("/trace/%d.pem", e.ID)}
	check := e.Check
	var kind string
	if block, _ := pem.Decode([]byte(e.PEM)); block != nil {
		kind = block.Type
		if kind == "CERTIFICATE" {
			if c, err := x509.ParseCertificate(block.Bytes); err == nil {
				ev.Facts = []Fact{
					{"subject", c.Subject.String()}, {"issuer", c.Issuer.String()},
					{"serial", fmt.Sprintf("%032x", c.SerialNumber)},
					{"not_before", c.NotBefore.UTC().Format("2006-01-02 15:04:05Z")},
					{"not_after", c.NotAfter.UTC().Format("2006-01-02 15:04:05Z")},
				}
			}
		}
	}
	if check == "" {
		switch kind {
		case "CERTIFICATE":
			check = "openssl verify -purpose any -CAfile BUNDLE FILE"
		case "CMS", "PKCS7":
			check = "openssl cms -verify -cades -inform PEM -in FILE -CAfile BUNDLE -purpose any"
		}
	}
	var authorities []string
	for _, name := range slices.Compact(slices.Sorted(slices.Values(pemName.FindAllString(check, -1)))) {
		switch {
		case authorityName.MatchString(name):
			authorities = append(authorities, name)
		case name != "bundle.pem":
			ev.File = name
		}
	}
	check = strings.NewReplacer("FILE", ev.File, "BUNDLE", "bundle.pem").Replace(check)
	ahead := h.conf.Clock.Offset()
	machine := h.conf.Clock.Now().Add(-ahead)
	if (ahead >= time.Minute || machine.Sub(e.At) >= old) && !strings.Contains(check, "-attime") {
		attime := fmt.Sprintf("-attime %d ", e.At.Unix())
		for _, command := range []string{"openssl verify ", "openssl cms -verify ", "openssl ocsp "} {
			check = strings.ReplaceAll(check, command, command+attime)
		}
	}
	var lines []string
	if e.PEM != "" {
		lines = append(lines, fmt.Sprintf("curl -s -o %s %s%s", ev.File, h.conf.Origin, ev.URL))
	} else {
		ev.URL, ev.File = "", ""
	}
	issuer := h.conf.origin("issuer")
	if strings.Contains(check, "bundle.pem") {
		lines = append(lines, "curl -s -o bundle.pem "+issuer+"/ca/bundle.pem")
	}
	for _, name := range authorities {
		label := strings.TrimSuffix(name, ".pem")
		lines = append(lines, fmt.Sprintf("curl -s %s/ca/%s.cer | openssl x509 -inform DER -out %s", issuer, label, name))
	}
	if check != "" {
		lines = append(lines, check)
	}
	ev.Lines = strings.Join(lines, "\n")
	return ev, true
}

// facts is the details of an event as a table, without the names that only
// group events.
func facts(e entry) []Fact {
	var out []Fact
	for _, k := range slices.Sorted(maps.Keys(e.Detail)) {
		if k != "journey" && k != "done" {
			out = append(out, Fact{k, e.Detail[k]})
		}
	}
	return out
}
