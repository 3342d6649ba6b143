package secret_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tegata/internal/secret"
)

func TestAnInvitationCodeIsReadAsItIsTyped(t *testing.T) {
	code := secret.InvitationCodeFrom([]byte{0xFE, 2, 3, 4, 5, 6, 7, 8})
	digits := func(c secret.InvitationCode) (s string) { c.Reveal(func(b []byte) { s = string(b) }); return s }
	want := digits(code)
	if len(want) != 9 || code.Groups() != want[:3]+" "+want[3:6]+" "+want[6:] || digits(secret.InvitationCodeFrom([]byte{0xFE, 2, 3, 4, 5, 6, 7, 8})) != want {
		t.Fatalf("got %q, %q", want, code.Groups())
	}
	for _, typed := range []string{want, code.Groups(), strings.ReplaceAll(code.Groups(), " ", "-"), strings.ReplaceAll(code.Groups(), " ", "　")} {
		if got, err := secret.ParseInvitationCode(typed); err != nil || digits(got) != want {
			t.Errorf("%q: %v", typed, err)
		}
	}
	for i := range want { // no single slip of the hand is taken for another invitation
		slip := []byte(want)
		slip[i] = '0' + (slip[i]-'0'+3)%10
		if _, err := secret.ParseInvitationCode(string(slip)); !errors.Is(err, secret.ErrCheckDigit) {
			t.Errorf("%s: %v", slip, err)
		}
	}
	if _, err := secret.ParseInvitationCode(secret.GenerateLockCode().Groups()); !errors.Is(err, secret.ErrFormat) || errors.Is(err, secret.ErrCheckDigit) {
		t.Errorf("a lock code: %v", err)
	}
	if s := fmt.Sprintf("%v %s %d %x %+v", code, code, code, code, struct{ C secret.InvitationCode }{code}); strings.Contains(s, want) {
		t.Errorf("printed: %s", s)
	}
	if b, err := json.Marshal(code); err == nil {
		t.Errorf("serialized: %s", b)
	}
}
