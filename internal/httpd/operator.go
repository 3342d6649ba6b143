package httpd

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"tegata/internal/problem"
)

// OperatorToken is what the operator of a sandbox holds: it opens the doors by
// which scripts do what a person does, and the controls that break things. There
// is none in production, and the zero token opens nothing. It does not print.
type OperatorToken struct{ text func() string }

// NewOperatorToken draws a token of 32 random bytes.
func NewOperatorToken() OperatorToken {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	s := base64.RawURLEncoding.EncodeToString(b)
	return OperatorToken{func() string { return s }}
}

// ParseOperatorToken reads a token as its file has it: base64url, surrounding space
// dropped. The error does not repeat it.
func ParseOperatorToken(s string) (OperatorToken, error) {
	s = strings.TrimSpace(s)
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 32 {
		return OperatorToken{}, errors.New("httpd: an operator token is 32 bytes in base64url")
	}
	return OperatorToken{func() string { return s }}, nil
}

// IsZero says whether there is no token.
func (t OperatorToken) IsZero() bool { return t.text == nil }

// Reveal hands the token's text to the one who writes its file.
func (t OperatorToken) Reveal(f func([]byte)) {
	if t.text != nil {
		f([]byte(t.text()))
	}
}

// Bearer is the header that carries the token.
func (t OperatorToken) Bearer() Header {
	if t.text == nil {
		return Bearer("")
	}
	return Bearer(t.text())
}

// Opens says whether r carries this token. Hashes are compared, so that neither
// the text nor its length leaks through time.
func (t OperatorToken) Opens(r *http.Request) bool {
	got, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || t.text == nil {
		return false
	}
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(t.text()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Guard lets in to h whoever holds the token; everybody else gets ErrOperator.
func (t OperatorToken) Guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !t.Opens(r) {
			WriteProblem(w, r, ErrOperator)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// Format prints that there is a token, not which.
func (OperatorToken) Format(s fmt.State, _ rune) { io.WriteString(s, "[operator token]") }

// LogValue keeps it out of logs.
func (OperatorToken) LogValue() slog.Value { return slog.StringValue("[operator token]") }

// MarshalText refuses.
func (OperatorToken) MarshalText() ([]byte, error) {
	return nil, errors.New("httpd: an operator token does not serialize")
}

// ErrOperator is the refusal of a door or control of the sandbox to a caller
// without the token.
var ErrOperator = problem.New(problem.Refused, http.StatusUnauthorized, "operator-token",
	problem.Text{Title: "操作する権限が確認できません。", Detail: "サンドボックスのデータフォルダーにある operator.token を使ってください。"},
	problem.Text{Title: "This door needs the sandbox operator's token.", Detail: "Send the content of operator.token in the data directory as a bearer token."})
