package sandbox_test

import (
	"os"
	"path/filepath"
	"testing"

	"tegata/internal/durable"
	"tegata/internal/secret"
	"tegata/sandbox"
)

func TestSecretsAreDrawnOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandbox-secrets.json")
	s, err := sandbox.OpenSecrets(path, durable.Files{})
	if err != nil {
		t.Fatal(err)
	}
	card, err := s.Card("hanako")
	if err != nil {
		t.Fatal(err)
	}
	phone, err := s.Phone("phone-1")
	if err != nil {
		t.Fatal(err)
	}
	till, err := s.Till("asahi")
	if err != nil || len(till) != 8 {
		t.Fatalf("a code of %d digits, %v", len(till), err)
	}
	again, err := sandbox.OpenSecrets(path, durable.Files{})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := again.Card("hanako"); got != card {
		t.Errorf("got %+v after opening again, want %+v", got, card)
	}
	if got, _ := again.Phone("phone-1"); got != phone {
		t.Errorf("got %+v after opening again, want %+v", got, phone)
	}
	if got, err := again.Till("asahi"); err != nil || got != till || len(again.Tills()) != 1 {
		t.Errorf("another code after opening again, %v", err)
	}
	if c, p := again.Known("nobody"); c != nil || p != nil {
		t.Error("asking for somebody unknown made secrets")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestDrawnSecretsHaveTheirForms(t *testing.T) {
	s, err := sandbox.OpenSecrets(filepath.Join(t.TempDir(), "s.json"), durable.Files{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		c, err := s.Card(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, pin := range []string{c.CardAuthPIN, c.CardInputPIN, c.CardResidentPIN} {
			if _, err := secret.ParsePIN(pin); err != nil {
				t.Error(err)
			}
		}
		if _, err := secret.ParsePassword(c.CardSignaturePassword); err != nil {
			t.Error(err)
		}
	}
}

func TestAForeignFileIsNotTakenForSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.json")
	for _, content := range []string{"", "{}", `{"sandbox":false,"cards":{},"phones":{}}`} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sandbox.OpenSecrets(path, durable.Files{}); err == nil {
			t.Errorf("%q was taken", content)
		}
	}
}
