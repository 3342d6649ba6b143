package main

import (
	"bytes"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
)

// mayPass is where on the loopback what may be, and must be found: "body" is the body
// of a request, "VERIFY" the command to a card, "told" any answer that is no address.
// Whatever is not in it may pass nowhere.
var mayPass = map[string]string{
	"the card's password to phone":        "body",
	"the card's password from reader":     "VERIFY",
	"the card's PIN to phone":             "body",
	"the card's PIN from reader":          "VERIFY",
	"the phone's PIN to phone":            "body",
	"the phone's password to phone":       "body",
	"the phone's new PIN to phone":        "body",
	"the phone's new password to phone":   "body",
	"the agent's card's PIN to street":    "body", // the key pad of the sandbox's reader lies there
	"the agent's card's PIN to cards":     "body",
	"the agent's card's PIN to phone":     "body", // the agent's own phone is revoked by the card
	"the agent's card's PIN from reader":  "VERIFY",
	"the lock code from phone":            "told",
	"the lock code to portal":             "body", // it stops a phone, and nothing else
	"the lock code to issuer":             "body",
	"the invitation code from issuer":     "told", // to whoever invites
	"the invitation code from portal":     "told",
	"the invitation code to portal":       "body",
	"the invitation code to issuer":       "body",
	"the support number from issuer":      "told", // to the phone that asked for it
	"the support number from phone":       "told",
	"the support number to helpdesk":      "body",
	"the support number to issuer":        "body",
	"the name as heard to helpdesk":       "body",
	"the name as heard to issuer":         "body",
	"the address as heard to helpdesk":    "body",
	"the address as heard to issuer":      "body",
	"the browser's push key to portal":    "body",
	"the browser's push secret to portal": "body",
	"the push address to portal":          "body",
	"the new address to phone":            "body",
	"the new address from phone":          "told", // before the card's PIN is asked for
	"the new address to issuer":           "body",
	"the push address to push service":    "told", // it is the address that is called
}

// checkStreams searches all that went over the loopback.
func (c *canaries) checkStreams(t *testing.T, streams []stream) {
	t.Helper()
	role := map[uint16]string{portOf(t, c.settings.readerAt(helpdeskReader)): "desk's reader", portOf(t, c.settings.readerAt(payReader)): "till's reader", portOf(t, c.push.addr): "push service"}
	for _, d := range doors() {
		role[portOf(t, c.settings.listenAt(d.role))] = d.role
	}
	for _, r := range c.readers {
		role[portOf(t, r)] = "reader"
	}
	found, seen := map[string]int{}, map[string]int{}
	for _, s := range streams {
		way := fmt.Sprintf("%s%s", arrow(role[s.to], "to "), arrow(role[s.from], "from "))
		seen[way] += len(s.content)
		if way == "" {
			t.Errorf("somebody speaks to a port that is no role's: %d to %d", s.from, s.to)
		}
		if way != "to push service" && bytes.Contains(s.content, []byte("\r\nContent-Encoding:")) {
			t.Errorf("%s: a body is compressed, and was not searched", way)
		}
		for _, h := range find(s.content, c.everything()...) {
			how := mayPass[h.needle+" "+way]
			ok := how == "body" && inBody(s.content, h.at) || how == "VERIFY" && h.inVerify() ||
				how == "told" && (way == "to push service" || !inAddress(s.content, h.at))
			if !ok {
				t.Errorf("%s: %v", way, h)
			}
			found[h.needle+" "+way]++
		}
		// What the register says of a person is told to whoever may know it, and
		// stands in nobody's address.
		for _, h := range find(s.content, c.registered...) {
			if inAddress(s.content, h.at) {
				t.Errorf("%s: in an address: %v", way, h)
			}
			// The helpdesk is told neither by a report nor by whoever calls, who says it as it is heard.
			if strings.HasSuffix(way, " helpdesk") && h.needle != "the birth date" {
				t.Errorf("%s: %v", way, h)
			}
			found[h.needle]++
		}
		for _, h := range find(s.content, needle{"a card", []form{{name: "in an address", bytes: []byte("card=" + agentCard)}}}) {
			if way == "to street" && inAddress(s.content, h.at) {
				found["a card in an address"]++
			}
		}
	}
	for want := range mayPass {
		if found[want] == 0 {
			t.Errorf("not found where it must be, so the search is worth nothing: %s", want)
		}
	}
	for _, want := range []string{"a card in an address", "the registered name", "the registered address", "the birth date"} {
		if found[want] == 0 {
			t.Errorf("not found where it must be, so the search is worth nothing: %s", want)
		}
	}
	for _, d := range doors() {
		if d.role != "municipality" && seen["to "+d.role] == 0 { // nobody moves house here
			t.Errorf("nothing was heard of %s", d.role)
		}
	}
	for _, way := range []string{"to desk's reader", "from desk's reader", "to push service"} {
		if seen[way] == 0 {
			t.Errorf("nothing was heard %s", way)
		}
	}
	tell(t, "canaries: %d streams of the loopback were searched: %v", len(streams), seen)
}

func arrow(role, word string) string {
	if role == "" {
		return ""
	}
	return word + role
}

func portOf(t *testing.T, addr string) uint16 {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(a.Port)
}

// inBody says whether a place of a client's half of a connection is in a body: no
// line ends between the end of the headers and it, and no next request begins.
func inBody(content []byte, at int) bool {
	end := bytes.LastIndex(content[:at], []byte("\r\n"))
	return end >= 2 && bytes.Equal(content[end-2:end], []byte("\r\n")) && !inAddress(content, at)
}

// inAddress says whether a place is in the line that asks for something, or in one that
// says where somebody goes or came from. A body that ends without a line's end has the
// next request in its last line.
func inAddress(content []byte, at int) bool {
	begin := 0
	if i := bytes.LastIndex(content[:at], []byte("\r\n")); i >= 0 {
		begin = i + 2
	}
	for _, header := range []string{"Location: ", "Referer: ", "Refresh: "} {
		if bytes.HasPrefix(content[begin:], []byte(header)) {
			return true
		}
	}
	rest, _, _ := bytes.Cut(content[at:], []byte("\r\n"))
	return bytes.HasSuffix(rest, []byte(" HTTP/1.1")) && requestLine.Match(content[begin:at])
}

// requestLine is the beginning of one (RFC 9112, section 3).
var requestLine = regexp.MustCompile(`(GET|HEAD|POST|PUT|PATCH|DELETE) /[^ ]*$`)

// What stands in an address is told from what stands in a body, also on a connection that
// is used again.
func TestAnAddressIsToldFromABody(t *testing.T) {
	post := "POST /a HTTP/1.1\r\nHost: x\r\nReferer: http://x/?p=R1\r\n\r\npin=B1"
	content := []byte(post + "GET /b?pin=A1 HTTP/1.1\r\nHost: x\r\n\r\n" + post + "POST /c/A2 HTTP/1.1\r\nHost: x\r\n\r\npin=B2")
	for place, address := range map[string]bool{"A1": true, "A2": true, "R1": true, "B1": false, "B2": false} {
		at := bytes.Index(content, []byte(place))
		if inAddress(content, at) != address || inBody(content, at) == address {
			t.Errorf("%s: in an address %v, in a body %v", place, inAddress(content, at), inBody(content, at))
		}
	}
}
