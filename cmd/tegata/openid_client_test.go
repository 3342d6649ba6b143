package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What `tegata client register` reads: purposes of signing too, and no member that nobody
// knows. That production takes https alone is the provider's to say.
func TestARegistrationIsReadStrictly(t *testing.T) {
	good := `{"id": "bank", "profile": "fapi2", "redirect_uris": ["https://bank.example/back"],
		"sign_purposes": [{"code": "open", "risk_floor": "R3", "sentence": {"ja": "申込書に署名します。", "en": "Sign."}}]}`
	for text, fits := range map[string]bool{
		good: true,
		strings.Replace(good, "sign_purposes", "sign_purpose", 1): false,
	} {
		path := filepath.Join(t.TempDir(), "client.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := readClient(path)
		if (err == nil) != fits {
			t.Errorf("%s: %v", text, err)
		}
		if fits && (len(c.SignPurposes) != 1 || c.SignPurposes[0].Code != "open") {
			t.Errorf("%+v", c)
		}
	}
}
