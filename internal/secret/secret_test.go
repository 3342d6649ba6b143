package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tegata/internal/secret"
)

// Nothing that prints may print a secret, inside whatever container.
func TestSecretsDoNotPrint(t *testing.T) {
	pin, _ := secret.ParsePIN("8351")
	password, _ := secret.ParsePassword("HIMITSU7")
	code := secret.GenerateLockCode()
	var codeDigits string
	code.Reveal(func(b []byte) { codeDigits = string(b) })

	type holder struct {
		pin      secret.PIN
		Password secret.Password
		code     *secret.LockCode
	}
	type outer struct {
		inner holder
		M     map[string]any
		S     []any
	}
	values := []any{
		pin, password, code, &pin, &password, &code,
		holder{pin, password, &code},
		outer{holder{pin, password, &code}, map[string]any{"a": pin, "b": password}, []any{pin, password, code}},
		fmt.Errorf("wrapped: %v %v %v", pin, password, code),
	}
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	textLogger := slog.New(slog.NewTextHandler(&log, nil))
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
			fmt.Fprintf(&log, verb, v)
		}
		logger.Info("a", "v", v)
		textLogger.Info("a", "v", v)
		if out, err := json.Marshal(v); err == nil {
			log.Write(out)
		}
	}
	for _, hidden := range []string{"8351", "HIMITSU7", codeDigits, fmt.Sprintf("%x", "8351"), fmt.Sprintf("%x", "HIMITSU7"), "56 51 53 49"} {
		if strings.Contains(log.String(), hidden) {
			t.Errorf("a secret was printed: %.200s", log.String()[strings.Index(log.String(), hidden):])
		}
	}
}

func TestForms(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		parse    func(string) error
		ok       bool
	}{
		{"four digits are a PIN", "0001", parsePIN, true},
		{"full-width digits are a PIN", "１２３４", parsePIN, true},
		{"three digits are not a PIN", "123", parsePIN, false},
		{"five digits are not a PIN", "12345", parsePIN, false},
		{"letters are not a PIN", "12a4", parsePIN, false},
		{"nothing is not a PIN", "", parsePIN, false},
		{"lower case is folded in a password", "abc123", parsePassword, true},
		{"sixteen letters are a password", "ABCDEFGHIJKLMNO1", parsePassword, true},
		{"seventeen letters are not a password", "ABCDEFGHIJKLMNO12", parsePassword, false},
		{"five letters are not a password", "ABC12", parsePassword, false},
		{"a hyphen is not in a password", "ABC-123", parsePassword, false},
		{"kana are not in a password", "ひみつのことば", parsePassword, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.parse(tt.in)
			if (err == nil) != tt.ok {
				t.Fatalf("got %v", err)
			}
			if err != nil && (!errors.Is(err, secret.ErrFormat) || tt.in != "" && strings.Contains(err.Error(), tt.in)) {
				t.Fatalf("got %v, want ErrFormat without the input", err)
			}
		})
	}
}

func parsePIN(s string) error      { _, err := secret.ParsePIN(s); return err }
func parsePassword(s string) error { _, err := secret.ParsePassword(s); return err }

func TestFoldedPasswordsAreEqual(t *testing.T) {
	a, _ := secret.ParsePassword("abc123")
	b, _ := secret.ParsePassword("ＡＢＣ123")
	c, _ := secret.ParsePassword("ABC124")
	if !a.Equal(b) || a.Equal(c) || (secret.Password{}).Equal(secret.Password{}) {
		t.Fatal("equality is wrong: folded forms are equal, zero values equal nothing")
	}
}

func TestALockCodeCatchesEverySingleSlip(t *testing.T) {
	code := secret.GenerateLockCode()
	again, err := secret.ParseLockCode(strings.ReplaceAll(code.Groups(), " ", "-"))
	if err != nil || !again.Equal(code) {
		t.Fatalf("the printed code does not parse: %v", err)
	}
	var digits []byte
	code.Reveal(func(b []byte) { digits = append(digits, b...) })
	for i := range digits {
		for d := byte('0'); d <= '9'; d++ {
			if d == digits[i] {
				continue
			}
			slip := bytes.Clone(digits)
			slip[i] = d
			if _, err := secret.ParseLockCode(string(slip)); !errors.Is(err, secret.ErrCheckDigit) || !errors.Is(err, secret.ErrFormat) {
				t.Fatalf("a wrong digit at %d was taken", i)
			}
		}
	}
}

func TestAVerifierKnowsItsSecretAndNoOther(t *testing.T) {
	for _, cost := range []secret.Cost{secret.TestCost(), secret.StandardCost()} {
		pin, _ := secret.ParsePIN("8351")
		other, _ := secret.ParsePIN("8352")
		v := secret.NewVerifier(pin, cost)
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back secret.Verifier
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if !back.Matches(pin) || back.Matches(other) || !back.MatchesBytes([]byte("8351")) {
			t.Fatal("the verifier is wrong")
		}
		if bytes.Contains(text, []byte("8351")) {
			t.Fatal("the verifier holds the secret")
		}
		if (secret.Verifier{}).Matches(pin) {
			t.Fatal("an empty verifier matches")
		}
		back.MemoryKiB = 1 << 30
		if back.Matches(pin) {
			t.Fatal("a verifier that asks for a terabyte was run")
		}
	}
}

func TestWeakChoicesAreRefusedWithTheirReason(t *testing.T) {
	birth := time.Date(1980, 2, 17, 0, 0, 0, 0, time.UTC)
	for pin, want := range map[string]secret.WeakReason{
		"0000": secret.WeakSame, "1234": secret.WeakSequence, "4321": secret.WeakSequence,
		"0217": secret.WeakBirth, "1702": secret.WeakBirth, "1980": secret.WeakBirth, "8351": "",
	} {
		p, _ := secret.ParsePIN(pin)
		check(t, pin, secret.CheckPINChoice(p, birth), want)
	}
	card, _ := secret.ParsePassword("CARD2024")
	for password, want := range map[string]secret.WeakReason{
		"AAAAAA": secret.WeakSame, "ABCDEF": secret.WeakSequence, "654321": secret.WeakSequence,
		"card2024": secret.WeakSameAsCard, "TEGATA7": "",
	} {
		p, _ := secret.ParsePassword(password)
		check(t, password, secret.CheckPasswordChoice(p, card), want)
	}
}

func check(t *testing.T, choice string, err error, want secret.WeakReason) {
	t.Helper()
	weak, ok := errors.AsType[*secret.WeakError](err)
	if ok != (want != "") || ok && weak.Reason != want {
		t.Errorf("%s: got %v, want %q", choice, err, want)
	}
}
