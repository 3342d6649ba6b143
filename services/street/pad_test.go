package street

import (
	"net/http"
	"testing"
)

// The number on the desk's screen is asked for with the PIN, and goes with it.
func TestTheKeyPadTakesTheNumberOnTheScreen(t *testing.T) {
	n := newTown(t)
	n.street.conf.Readers[0].KeyPad = true
	if status, location, _ := n.post("/hold", map[string]string{"reader": "127.0.0.1:49200", "card": "taro"}); status != http.StatusSeeOther || location != "/pad?back=&card=taro" {
		t.Fatalf("held: %d %q", status, location)
	}
	_, page := n.get("/pad?card=taro")
	has(t, page, "窓口の画面の番号（2けた）", `name="number"`, `name="pin"`)
	for number, code := range map[string]string{"": "pad-number", "1": "pad-number", "1a": "pad-number", "123": "pad-number"} {
		_, _, page := n.post("/pad", map[string]string{"card": "taro", "number": number, "pin": "5937"})
		has(t, page, code)
	}
	if len(n.typed) != 0 {
		t.Fatalf("typed without a number: %q", n.typed)
	}
	if status, _, _ := n.post("/pad", map[string]string{"card": "taro", "number": "07", "pin": "5937"}); status != http.StatusSeeOther {
		t.Errorf("typed: %d", status)
	}
	if len(n.typed) != 1 || n.typed[0] != "taro 07 5937" {
		t.Errorf("typed: %q", n.typed)
	}
}
