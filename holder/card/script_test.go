package card_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"tegata/holder/apdu"
	"tegata/holder/card"
	"tegata/holder/card/cardtest"
)

// words stand for bytes in the scripts of this package's tests.
func words() *strings.Replacer {
	pin, wrong := hex.EncodeToString([]byte("1357")), hex.EncodeToString([]byte("2468"))
	password := hex.EncodeToString([]byte("TEGATA2357"))
	digest := strings.Repeat("5A", 32)
	return strings.NewReplacer(
		"<select jpki>", "00A4040C0A"+hex.EncodeToString(apdu.JPKIAID()),
		"<pin>", "0020009804"+pin, // by short identifier 18
		"<wrong pin>", "0020009804"+wrong,
		"<password>", "0020009B0A"+password,
		"<wrong password>", "0020009B06"+hex.EncodeToString([]byte("WRONG1")),
		"<1357>", pin, "<2468>", wrong, "<digest>", digest,
		"<digest info>", "3031300d060960864801650304020105000420"+digest,
		"<246 bytes>", strings.Repeat("AB", 246), "<245 bytes>", strings.Repeat("AB", 245),
	)
}

// run plays a script against c: lines of "COMMAND => STATUS", commands in
// hexadecimal or words, the status word with the data expected before it:
// "6F0C…9000" exactly, or "[256] 9000" for that many bytes of anything.
func run(t *testing.T, c *card.Card, script string) {
	t.Helper()
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		switch line {
		case "power off and on":
			c.PowerOff()
			c.PowerOn()
			continue
		case "reset":
			c.Reset()
			continue
		}
		command, want, ok := strings.Cut(words().Replace(line), "=>")
		if !ok {
			t.Fatalf("no => in %q", line)
		}
		b, err := hex.DecodeString(strings.ReplaceAll(command, " ", ""))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got := strings.ToUpper(hex.EncodeToString(c.Transmit(b)))
		want = strings.ToUpper(strings.TrimSpace(want))
		if strings.HasPrefix(want, "[") {
			var n int
			var sw string
			if _, err := fmt.Sscanf(want, "[%d] %s", &n, &sw); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if len(got) != 2*n+4 || got[2*n:] != sw {
				t.Errorf("%s\ngot %d bytes and %s", line, len(got)/2-2, got[max(0, len(got)-4):])
			}
			continue
		}
		if got != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s\ngot %.80s", line, got)
		}
	}
}

// play runs each of the scripts, named by a sentence, on one card, whose tries
// and power are restored in between.
func play(t *testing.T, scripts map[string]string) {
	t.Helper()
	m := cardtest.New(t, cardtest.Options{})
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			if err := m.Card.ResetPIN(m.PIN); err != nil {
				t.Fatal(err)
			}
			if err := m.Card.ResetPassword(m.Password); err != nil {
				t.Fatal(err)
			}
			m.Card.PowerOff()
			m.Card.PowerOn()
			run(t, m.Card, script)
		})
	}
}
