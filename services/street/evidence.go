package street

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Evidence is a certificate, list, answer or signature that an event carries,
// and the lines that check it in a terminal.
type Evidence struct {
	File  string // name under which it is downloaded
	URL   string // path on the street
	Lines string // what to type, one command a line
	Facts []Fact // what a certificate says, read from it here
}

// Fact is one line of a table.
type Fact struct{ Name, Value string }

// evidence is what e carries; ok is false when it carries nothing.
//
// The check line of an event names the file as FILE, the authorities as BUNDLE,
// and with ATTIME the place of openssl's -attime, which it needs once the
// town's clock is ahead of the machine's. Without a line of its own, a
// certificate, list or signature gets the usual one.
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
			check = "openssl verify -purpose any ATTIME -CAfile BUNDLE FILE"
		case "X509 CRL":
			check = "openssl crl -in FILE -noout -text -CAfile BUNDLE"
		case "CMS", "PKCS7":
			check = "openssl cms -verify -cades -inform PEM ATTIME -in FILE -CAfile BUNDLE -purpose any"
		}
	}
	var lines []string
	if e.PEM != "" {
		lines = append(lines, fmt.Sprintf("curl -s -o %s %s%s", ev.File, h.conf.Origin, ev.URL))
	} else {
		ev.URL, ev.File = "", ""
	}
	if strings.Contains(check, "BUNDLE") {
		lines = append(lines, "curl -s -o bundle.pem "+h.conf.origin("issuer")+"/ca/bundle.pem")
		check = strings.ReplaceAll(check, "BUNDLE", "bundle.pem")
	}
	attime := ""
	if h.conf.Clock.Offset() >= time.Minute {
		attime = fmt.Sprintf("-attime %d ", e.At.Unix())
	}
	check = strings.ReplaceAll(check, "ATTIME ", attime)
	if ev.File != "" {
		check = strings.ReplaceAll(check, "FILE", ev.File)
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
