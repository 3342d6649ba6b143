package rack_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/holder/apdu"
	"tegata/holder/card"
	"tegata/holder/rack"
	"tegata/holder/reader"
	"tegata/internal/durable"
	"tegata/internal/httpd"
	"tegata/internal/pkitest"
	"tegata/internal/secret"
)

// revealed is the text of a token.
func revealed(t httpd.OperatorToken) (text string) {
	t.Reveal(func(b []byte) { text = string(b) })
	return text
}

// chosen gives every card the same secrets; the sandbox draws them.
type chosen struct{}

func (chosen) ForCard(string) (rack.CardSecrets, error) {
	pin, err := secret.ParsePIN("8351")
	if err != nil {
		return rack.CardSecrets{}, err
	}
	password, err := secret.ParsePassword("HIMITSU7")
	return rack.CardSecrets{AuthPIN: pin, SignPassword: password}, err
}

func newRack(t *testing.T) *rack.Rack {
	t.Helper()
	box, err := card.CreateBox(filepath.Join(t.TempDir(), "cards"), durable.Files{})
	if err != nil {
		t.Fatal(err)
	}
	good := func(context.Context, *x509.Certificate, *x509.Certificate) (string, error) { return "good", nil }
	r := rack.New(box, chosen{}, rack.Options{Cost: secret.TestCost(), Judge: good})
	t.Cleanup(func() { r.Close() })
	return r
}

// call speaks to the door and returns the status and the decoded body.
func call(t *testing.T, h http.Handler, bearer, method, path string, body any) (int, map[string]any) {
	t.Helper()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	req := httptest.NewRequestWithContext(t.Context(), method, path, in)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+bearer)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("%s %s: not JSON: %s", method, path, w.Body)
	}
	return w.Code, out
}

// certify answers a request with a certificate, as an authority would.
func certify(t *testing.T, csr []byte) (cert, authority []byte) {
	t.Helper()
	request, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		t.Fatal(err)
	}
	if err := request.CheckSignature(); err != nil {
		t.Fatal(err)
	}
	ca := pkitest.Key(t, 0)
	issue := func(name string, key crypto.PublicKey, parent *x509.Certificate) []byte {
		template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), IsCA: parent == nil, BasicConstraintsValid: true}
		if parent == nil {
			parent = template
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key, ca)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	authority = issue("authority", ca.Public(), nil)
	parent, err := x509.ParseCertificate(authority)
	if err != nil {
		t.Fatal(err)
	}
	return issue("holder", request.PublicKey, parent), authority
}

func TestACardIsMadeHeldToAReaderAndTakenAway(t *testing.T) {
	r := newRack(t)
	operator := httpd.NewOperatorToken()
	door, token := r.Routes(operator), revealed(operator)

	blank, err := r.Make("hanako", "99001")
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.Make("hanako", "99001")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := publicKey(t, blank.AuthCSR), publicKey(t, again.AuthCSR); !a.Equal(b) {
		t.Fatal("asking for a blank card twice made other keys")
	}
	var papers rack.Papers
	papers.Auth, papers.AuthAuthority = certify(t, blank.AuthCSR)
	papers.Sign, papers.SignAuthority = certify(t, blank.SignCSR)
	for range 2 { // sent again after a lost answer
		if code, body := call(t, door, token, "POST", "/v1/cards/hanako/certificates", papers); code != http.StatusOK {
			t.Fatalf("personalise: %d %v", code, body)
		}
	}
	other := papers
	other.Auth, other.AuthAuthority = certify(t, blank.SignCSR)
	if code, body := call(t, door, token, "POST", "/v1/cards/hanako/certificates", other); code != http.StatusConflict || body["code"] != "card-personalised" {
		t.Fatalf("a card was given to a second person: %d %v", code, body)
	}

	slot, err := reader.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer slot.Close()
	if code, body := call(t, door, token, "POST", "/v1/cards/hanako/tap", map[string]string{"reader": slot.Addr()}); code != http.StatusOK {
		t.Fatalf("tap: %d %v", code, body)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	held, err := slot.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	response, err := held.Transmit(ctx, []byte{0x00, 0xA4, 0x04, 0x0C, 0x0A, 0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01})
	if err != nil || !bytes.Equal(response, []byte{0x90, 0x00}) {
		t.Fatalf("select over the tap: %x, %v", response, err)
	}
	for _, bad := range []string{"", "7", "123", "4a"} { // what a screen shows has two digits
		if code, body := call(t, door, token, "POST", "/v1/cards/hanako/pad", map[string]string{"number": bad, "card_auth_pin": "8351"}); code != http.StatusBadRequest || body["code"] != "pad-number" {
			t.Errorf("the number %q: %d %v", bad, code, body)
		}
	}
	if code, body := call(t, door, token, "POST", "/v1/cards/hanako/pad", map[string]string{"number": "07", "card_auth_pin": "8351"}); code != http.StatusOK {
		t.Fatalf("typed: %d %v", code, body)
	}
	for _, want := range []string{"07\x90\x00", "\x64\x00"} { // the terminal is told it, once
		if response, err := held.Transmit(ctx, apdu.ReadPad().Bytes()); err != nil || string(response) != want {
			t.Errorf("the number that was typed: %x, %v", response, err)
		}
	}
	_, list := call(t, door, token, "GET", "/v1/cards", nil)
	if text, _ := json.Marshal(list); !strings.Contains(string(text), slot.Addr()) || !strings.Contains(string(text), `"state":"good"`) {
		t.Fatalf("the list does not say where the card is: %s", text)
	}

	if code, body := call(t, door, token, "DELETE", "/v1/cards/hanako/tap", nil); code != http.StatusOK || body["was_held"] != true {
		t.Fatalf("untap: %d %v", code, body)
	}
	if _, err := held.Transmit(ctx, []byte{0x00, 0x84, 0x00, 0x00, 0x08}); !errors.Is(err, reader.ErrCardRemoved) {
		t.Fatalf("the card still answers after it was taken away: %v", err)
	}
}

func publicKey(t *testing.T, csr []byte) interface{ Equal(crypto.PublicKey) bool } {
	t.Helper()
	request, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		t.Fatal(err)
	}
	return request.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
}

func TestTheDoorRefusesInWords(t *testing.T) {
	operator := httpd.NewOperatorToken()
	door, token := newRack(t).Routes(operator), revealed(operator)
	for _, tt := range []struct {
		name, bearer, method, path string
		body                       any
		status                     int
		code                       string
	}{
		{"no token", "", "GET", "/v1/cards", nil, 401, "operator-token"},
		{"a wrong token", "x", "GET", "/v1/cards", nil, 401, "operator-token"},
		{"a name with a path in it", token, "POST", "/v1/cards", map[string]string{"id": "../x"}, 400, "card-name"},
		{"a card that is not there", token, "POST", "/v1/cards/nobody/tap", map[string]string{"reader": "127.0.0.1:9"}, 404, "no-such-card"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := call(t, door, tt.bearer, tt.method, tt.path, tt.body)
			if status != tt.status || body["code"] != tt.code {
				t.Fatalf("got %d %v, want %d %s", status, body, tt.status, tt.code)
			}
		})
	}
}

func TestACardIsHeldToLoopbackReadersOnly(t *testing.T) {
	r := newRack(t)
	if _, err := r.Make("hanako", "99001"); err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]error{
		"192.0.2.1:80": rack.ErrReaderAddress, "example.org:80": rack.ErrReaderAddress, "nonsense": rack.ErrReaderAddress,
		"127.0.0.1:1": rack.ErrNoReader,
	} {
		if err := r.Tap(t.Context(), "hanako", addr); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", addr, err, want)
		}
	}
}
