package ra

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/internal/pki"
)

// Each code has one sentence, and each sentence one code.
func TestEveryCodeHasItsOwnWords(t *testing.T) {
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	problems := ""
	files, err := filepath.Glob("problems*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			problems += read(file)
		}
	}
	codes := regexp.MustCompile(`(?m)^\t(Code\w+) +Code = "([a-z0-9-]+)"`).FindAllStringSubmatch(read("codes.go"), -1)
	if len(codes) < 50 {
		t.Fatalf("only %d codes were found", len(codes))
	}
	var seen []string
	for _, c := range codes {
		if n := len(regexp.MustCompile(`\b`+c[1]+`\b`).FindAllString(problems, -1)); n != 1 {
			t.Errorf("%s (%s) has %d problems, want 1", c[1], c[2], n)
		}
		if slices.Contains(seen, c[2]) {
			t.Errorf("the code %s stands twice", c[2])
		}
		seen = append(seen, c[2])
	}
	var titles []string
	for _, m := range regexp.MustCompile(`(?m)^\t\t"([^"]+)", "([^"]+)",$`).FindAllStringSubmatch(problems, -1) {
		if slices.Contains(titles, m[1]) {
			t.Errorf("two refusals say %q", m[1])
		}
		titles = append(titles, m[1])
	}
}

// A notice has words for each kind in both languages, and no blank in them.
func TestEveryNoticeHasWords(t *testing.T) {
	all := []notice{}
	for _, kind := range constants[NoticeKind](t, "notices.go", "NoticeKind") {
		all = append(all, notice{kind: kind, phone: "Maker One", until: time.Unix(0, 0), days: 3, why: EndedSilent})
	}
	for _, of := range []EventKind{EventMoved, EventNameChanged, EventEmigrated, EventCardRevoked} {
		coming := RegisterEvent{Of: of, On: "2027-04-01"}
		all = append(all, notice{kind: NoticeAnnounced, coming: coming, hasPhone: true})
		coming.Cancelled, coming.Certificate = true, pki.CardSign
		all = append(all, notice{kind: NoticeAnnounced, coming: coming})
	}
	for _, n := range all {
		if n.kind == NoticeAnnounced && n.coming.On == "" {
			continue
		}
		kind := n.kind
		ja, en := n.texts()
		if n.kind == NoticeAnnounced && (!strings.Contains(ja.Body, "令和9年4月1日") || !strings.Contains(en.Body, "2027-04-01")) {
			t.Errorf("%s does not say the day: %s %s", n.coming.Of, ja.Body, en.Body)
		}
		for _, s := range []string{ja.Title, ja.Body, en.Title, en.Body} {
			if s == "" || strings.Contains(s, "%!") || strings.Contains(s, "  ") {
				t.Errorf("%s says %q", kind, s)
			}
		}
	}
	otherJA, otherEN := EndReason("").Because()
	for _, why := range constants[EndReason](t, "messages.go", "EndReason") {
		if ja, en := why.Because(); ja == otherJA || en == otherEN {
			t.Errorf("%s has no words of its own", why)
		}
	}
	// A date as everywhere else, and no door that is not there yet.
	ja, _ := notice{kind: NoticeApplied, phone: "Maker One", until: time.Date(2026, 11, 22, 0, 41, 0, 0, time.UTC)}.texts()
	if !strings.Contains(ja.Body, "令和8年11月22日（2026-11-22） 09:41") {
		t.Errorf("the notice says %q", ja.Body)
	}
}

// constants are the values of all constants of a type of text, from the source itself,
// so that none is forgotten.
func constants[T ~string](t *testing.T, file, name string) []T {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []T
	for _, m := range regexp.MustCompile(`(?m)^\t\w+ +`+name+` *= "([a-z0-9-]+)"`).FindAllStringSubmatch(string(text), -1) {
		all = append(all, T(m[1]))
	}
	if len(all) < 5 {
		t.Fatalf("%s has %d of %s", file, len(all), name)
	}
	return all
}
