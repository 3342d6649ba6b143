package street

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/pkitest"
	"tegata/internal/trace"
)

func event(at int, kind string, detail ...string) trace.Event {
	e := trace.Event{At: time.Unix(int64(1000+at), 0).UTC(), From: "phone", To: "issuer", Kind: kind, TitleJA: fmt.Sprintf("できごと%d", at), TitleEN: fmt.Sprintf("event %d", at), Detail: map[string]string{}}
	for i := 0; i+1 < len(detail); i += 2 {
		e.Detail[detail[i]] = detail[i+1]
	}
	return e
}

// made is the municipality having a card made.
func made(at int) trace.Event {
	e := event(at, "http")
	e.From = "municipality"
	return e
}

func TestEventsBecomeStories(t *testing.T) {
	for _, c := range []struct {
		name   string
		events []trace.Event
		want   string // newest story first: what(key)=number of events
	}{
		{"nothing", nil, ""},
		{"a tap before a registration is part of it", []trace.Event{event(0, "tap"), event(1, "apdu"), event(5, "http", "enrolment", "A")}, "registration(registration:A)=3"},
		{"a tap during a registration is part of it", []trace.Event{event(0, "http", "enrolment", "A"), event(9, "apdu"), event(11, "http", "enrolment", "A")}, "registration(registration:A)=3"},
		{"a tap long before is another story", []trace.Event{event(0, "apdu"), event(100, "http", "enrolment", "A")}, "registration(registration:A)=1 card()=1"},
		{"a login after a registration is another story", []trace.Event{event(0, "http", "enrolment", "A"), event(3, "http", "request", "B"), event(4, "verdict", "request", "B", "verdict", "passed")}, "login(login:B)=2 registration(registration:A)=1"},
		{"two registrations at once stay apart", []trace.Event{event(0, "http", "enrolment", "A"), event(1, "http", "enrolment", "B"), event(2, "http", "enrolment", "A")}, "registration(registration:A)=2 registration(registration:B)=1"},
		{"a journey named outright", []trace.Event{event(0, "http", "journey", "suspension:X"), event(1, "status")}, "suspension(suspension:X)=2"},
		{"kinds group what names no id", []trace.Event{event(0, "request"), event(1, "request"), event(2, "status"), event(3, "verdict", "verdict", "passed"), event(200, "request")}, "login()=1 login()=4"},
		{"a login soon after a registration without ids", []trace.Event{event(0, "registration", "enrolment", "A"), event(5, "request"), event(6, "verdict"), event(7, "apdu")}, "login()=3 registration(registration:A)=1"},
		{"what is broken in the middle stands beside", []trace.Event{event(0, "registration", "enrolment", "A"), event(2, "break"), event(3, "apdu"), event(4, "registration", "enrolment", "A")}, "registration(registration:A)=3 break()=1"},
		{"a card held while others are made is no part of that", []trace.Event{made(0), event(1, "apdu"), event(2, "registration", "enrolment", "A")}, "registration(registration:A)=2 issue()=1"},
		{"breaking something is a story of its own", []trace.Event{event(0, "break"), event(200, "clock")}, "clock()=1 break()=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRing(100, 1<<20)
			for _, e := range c.events {
				r.add(e)
			}
			all, _ := r.all()
			var got []string
			for _, s := range stories(all) {
				got = append(got, fmt.Sprintf("%s(%s)=%d", s.What, s.Key, len(s.Events)))
			}
			if g := strings.Join(got, " "); g != c.want {
				t.Errorf("got  %s\nwant %s", g, c.want)
			}
		})
	}
}

func TestTheRingIsBoundedAndOrdered(t *testing.T) {
	r := newRing(10, 1<<20)
	for i := range 25 {
		r.add(event(i, "http"))
	}
	all, forgotten := r.all()
	if len(all) != 10 || forgotten != 15 || all[0].ID != 16 {
		t.Errorf("%d kept, %d forgotten, from %d", len(all), forgotten, all[0].ID)
	}
	r = newRing(1000, 20<<10)
	for i := range 100 {
		e := event(i, "certificate")
		e.PEM = strings.Repeat("x", 4<<10)
		r.add(e)
	}
	if all, _ := r.all(); len(all) < 2 || len(all) > 5 || r.bytes > 20<<10 {
		t.Errorf("%d events, %d bytes", len(all), r.bytes)
	}
	r = newRing(10, 1<<20)
	for _, at := range []int{5, 1, 9, 3} {
		r.add(event(at, "http"))
	}
	all, _ = r.all()
	for i := range len(all) - 1 {
		if all[i].At.After(all[i+1].At) {
			t.Error("events are not in the order of their time")
		}
	}
}

func TestWhatASinkSendsIsCutToSizeAndBlanked(t *testing.T) {
	big := event(0, "http", "long", strings.Repeat("あ", 5000))
	big.TitleJA, big.PEM = strings.Repeat("題", 500), strings.Repeat("x", pemLimit+1)
	for i := range 100 {
		big.Detail[fmt.Sprintf("k%03d", i)] = "v"
	}
	e := trim(big)
	if len(e.TitleJA) > titleLimit || !strings.HasSuffix(e.TitleJA, "…") || e.PEM != "" || len(e.Detail) != detailCount || len(e.Detail["long"]) > detailLimit {
		t.Errorf("title %d, PEM %d, details %d", len(e.TitleJA), len(e.PEM), len(e.Detail))
	}
	for command, want := range map[string]string{
		"00 20 00 80 04 31323334":                 "00 20 00 80 04 ●●●●",
		"0020008006AABBCCDDEEFF":                  "00 20 00 80 06 ●●●●",
		"00240180083132333435363738":              "00 24 01 80 08 ●●●●",
		"80 2c 00 80 04 31323334":                 "80 2C 00 80 04 ●●●●",
		"0020 0080":                               "0020 0080", // asks for the tries: no data
		"00A4040C0AD392F000260100000001":          "00A4040C0AD392F000260100000001",
		"802A00800102030405":                      "802A00800102030405",
		"9000":                                    "9000",
		"0020000000000000000000000000000000bcde1": "00 20 00 00 00 ●●●●",
	} {
		if got := trim(event(0, "apdu", "command", command)).Detail["command"]; got != want {
			t.Errorf("%q became %q, want %q", command, got, want)
		}
	}
	serial := "00200024aabbccddeeff00112233445566"
	if got := trim(event(0, "certificate", "serial", serial)).Detail["serial"]; got != serial {
		t.Errorf("a serial number was blanked: %q", got)
	}
}

func TestTheSinkAsksForTheToken(t *testing.T) {
	n := newTown(t)
	e := event(0, "http")
	for _, h := range [][]httpd.Header{nil, {httpd.Bearer("x")}, {{Name: "Authorization", Value: "Basic " + operator}}} {
		if status, _ := n.do("POST", "/trace", e, h...); status != 401 {
			t.Errorf("%v: %d", h, status)
		}
	}
	bearer := httpd.Bearer(operator)
	if status, _ := n.do("POST", "/trace", e, bearer); status != 204 {
		t.Errorf("one event: %d", status)
	}
	if status, _ := n.do("POST", "/trace", []trace.Event{event(1, "http"), event(2, "http")}, bearer); status != 204 {
		t.Errorf("a list: %d", status)
	}
	if status, _ := n.do("POST", "/trace", map[string]string{"title_ja": "x", "unknown": "y"}, bearer); status != 400 {
		t.Errorf("an unknown field: %d", status)
	}
	if status, _ := n.do("POST", "/trace", trace.Event{TitleJA: "英語なし"}, bearer); status != 400 {
		t.Errorf("no English title: %d", status)
	}
	_, page := n.get("/trace")
	has(t, page, "できごと0", "できごと1", "できごと2")
	lacks(t, page, "英語なし")
}

func TestTitlesFromOutsideAreText(t *testing.T) {
	n := newTown(t)
	e := event(0, "http", "<b>k</b>", "<script>alert(1)</script>")
	e.TitleJA, e.Check, e.From = `<img src=x onerror=alert(1)>`, `"><script>alert(2)</script>`, "<i>phone</i>"
	n.street.note(e)
	_, page := n.get("/trace")
	lacks(t, page, "<img src=x", "<script>alert", "<i>phone", "<b>k</b>")
}

func TestACertificateIsHandedOutWithItsCheck(t *testing.T) {
	n := newTown(t)
	pem := selfSigned(t)
	e := event(0, "certificate", "enrolment", "A")
	e.At, e.PEM = n.clock.Now(), pem
	n.street.note(e)
	_, page := n.get("/trace")
	has(t, page, "openssl verify -purpose any -CAfile bundle.pem tegata-1.pem", "curl -s -o tegata-1.pem http://street.localhost:8400/trace/1.pem",
		"curl -s -o bundle.pem "+n.issuerURL+"/ca/bundle.pem", "CN=tegata-phone-auth", "00000000000000000000001234567890")
	if status, body := n.get("/trace/1.pem"); status != 200 || body != pem {
		t.Errorf("download: %d", status)
	}
	// the line on the page is typed as it stands
	dir := t.TempDir()
	for _, name := range []string{"tegata-1.pem", "bundle.pem"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(pem), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(pkitest.Tool(t, "openssl"), strings.Fields("verify -purpose any -attime 1800000000 -CAfile bundle.pem tegata-1.pem")...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "tegata-1.pem: OK\n" {
		t.Errorf("openssl: %v %s", err, out)
	}
	n.clock.offset = 31 * 24 * time.Hour // the machine's own clock is behind now
	_, page = n.get("/trace")
	has(t, page, fmt.Sprintf("openssl verify -attime %d -purpose any -CAfile bundle.pem tegata-1.pem", e.At.Unix()))
	n.clock.offset = 0
	_, page = n.get("/trace")
	lacks(t, page, "-attime")
	e.At = e.At.Add(-2 * old) // its certificates may have ended since
	n.street.note(e)
	_, page = n.get("/trace")
	has(t, page, fmt.Sprintf("openssl verify -attime %d -purpose any -CAfile bundle.pem tegata-2.pem", e.At.Unix()))
	for _, path := range []string{"/trace/3.pem", "/trace/1", "/trace/x.pem", "/trace/-1.pem"} {
		if status, _ := n.get(path); status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func TestTheTourTicksOffWhatHappened(t *testing.T) {
	n := newTown(t)
	n.street.note(event(0, "registration", "enrolment", "A", "state", "registered")) // the sandbox's own, Taro's
	_, page := n.get("/")
	lacks(t, page, "できました")
	n.phones[0]["state"] = "registered"
	n.street.note(event(2, "verdict", "request", "B", "verdict", "failed"))
	_, page = n.get("/")
	if strings.Count(page, "できました") != 1 {
		t.Error("not exactly the registration is ticked off")
	}
	n.street.note(event(3, "verdict", "request", "B", "verdict", "passed"))
	_, page = n.get("/")
	if strings.Count(page, "できました") != 2 {
		t.Error("the login is not ticked off")
	}
}

func TestRunsOfCommandsAreFolded(t *testing.T) {
	r := newRing(100, 1<<20)
	for i := range 8 {
		r.add(event(i, "apdu", "command", "00B0000000"))
	}
	r.add(event(9, "http", "enrolment", "A"))
	r.add(event(10, "apdu"))
	all, _ := r.all()
	rows := stories(all)[0].Rows()
	if len(rows) != 3 || rows[0].Run != nil || rows[1].Run != nil || len(rows[2].Run) != 8 || rows[2].Run[0].ID != 8 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestEventsTravelFromARoleToTheStreet(t *testing.T) {
	n := newTown(t)
	s := NewSender(n.server.URL, n.token, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	sink := s.Sink()
	for i := range 100 {
		sink.Note(ctx, event(i, "http", "enrolment", "A"))
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if all, _ := n.street.ring.all(); len(all) == 100 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the events did not arrive")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for range 2 * senderQueue { // nobody sends any more: noting must not wait
		sink.Note(ctx, event(0, "http"))
	}
}

func TestWhatACheckNamesIsFetchedFirst(t *testing.T) {
	n := newTown(t)
	for check, want := range map[string]string{
		"openssl verify -partial_chain -trusted phone-auth.pem certificate.pem": "curl -s -o certificate.pem http://street.localhost:8400/trace/7.pem\n" +
			"curl -s ISSUER/ca/phone-auth.cer | openssl x509 -inform DER -out phone-auth.pem\nopenssl verify -partial_chain -trusted phone-auth.pem certificate.pem",
		"openssl cms -verify -in FILE -CAfile BUNDLE": "curl -s -o tegata-7.pem http://street.localhost:8400/trace/7.pem\ncurl -s -o bundle.pem ISSUER/ca/bundle.pem\n" +
			"openssl cms -verify -in tegata-7.pem -CAfile bundle.pem",
		"openssl asn1parse -in answer.pem -noout -out answer.der": "curl -s -o answer.pem http://street.localhost:8400/trace/7.pem\nopenssl asn1parse -in answer.pem -noout -out answer.der",
	} {
		e := entry{ID: 7, Event: trace.Event{At: n.clock.Now(), PEM: "-----BEGIN X-----\nAAAA\n-----END X-----\n", Check: check}}
		ev, ok := n.street.evidence(e)
		if got := strings.ReplaceAll(ev.Lines, n.issuerURL, "ISSUER"); !ok || got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}
