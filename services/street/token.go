package street

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"tegata/internal/problem"
)

// Token is the operator token of a sandbox: 32 random bytes in base64url, kept
// in DIR/operator.token and given to the roles that can be told to break.
type Token struct{ text func() string }

// ParseToken reads a token; surrounding space is dropped.
func ParseToken(s string) (Token, error) {
	s = strings.TrimSpace(s)
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 32 {
		return Token{}, errors.New("street: an operator token is 32 bytes in base64url")
	}
	return Token{text: func() string { return s }}, nil
}

// ReadToken reads the token's file.
func ReadToken(path string) (Token, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Token{}, fmt.Errorf("street: read operator token: %w", err)
	}
	return ParseToken(string(b))
}

func (t Token) empty() bool { return t.text == nil }

// bearer is the value of an Authorization header.
func (t Token) bearer() string { return "Bearer " + t.text() }

// opens reports whether r carries this token. The comparison is over hashes,
// so that neither the text nor its length leaks through time.
func (t Token) opens(r *http.Request) bool {
	got, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || t.empty() {
		return false
	}
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(t.text()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Format prints that there is a token, not which.
func (t Token) Format(f fmt.State, _ rune) { io.WriteString(f, "[operator token]") }

// LogValue keeps it out of logs.
func (t Token) LogValue() slog.Value { return slog.StringValue("[operator token]") }

// MarshalText refuses.
func (t Token) MarshalText() ([]byte, error) {
	return nil, errors.New("street: an operator token does not serialize")
}

// ErrOperator is the refusal of a control whose caller has no operator token.
var ErrOperator = problem.New(problem.Refused, http.StatusUnauthorized, "operator-token",
	problem.Text{Title: "この操作はできません", Detail: "サンドボックスの操作には、operator.token の値が必要です。"},
	problem.Text{Title: "This control is closed to you", Detail: "The sandbox's controls ask for the value of operator.token."})
