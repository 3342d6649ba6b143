package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"

	"tegata/internal/httpd"
	"tegata/services/relying"
)

// benchLogins has the resident log in at a client of the profile fapi2, from its pushed
// request to its checked ID Token: the client, the browser's clicks, the phone with its PIN
// and its signature, the gateway, the authority and the provider, all of them.
func benchLogins(ctx context.Context, b *bench) ([]figure, error) {
	s, err := b.registeredStreet(ctx)
	if err != nil {
		return nil, err
	}
	bank := s.n.bank
	counted := &counter{next: httpd.Client(outsiderTimeout).Transport}
	client := httpd.Client(outsiderTimeout)
	client.Transport = counted
	party, err := relying.New(relying.Config{Issuer: s.n.settings.machine("verifier"), ClientID: bankID, Key: bank.key, KeyID: clientKeyID,
		RedirectURI: bankReturn(s.n.settings), HTTP: client})
	if err != nil {
		return nil, err
	}
	logins := 0
	login := func(int) error {
		logins++
		return s.loginAtClient(ctx, party, counted)
	}
	if err := login(0); err != nil { // discovery, and whose phone it is
		return nil, err
	}
	counted.n.Store(0)
	if err := login(0); err != nil {
		return nil, err
	}
	exchanges := int(counted.n.Load())
	do, err := bareOperations()
	if err != nil {
		return nil, err
	}
	nothing := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer nothing.Close()
	verifications := loginTally(1)[rsaVerify]
	bare := func(int) error {
		for range verifications {
			if err := do[rsaVerify](0); err != nil {
				return err
			}
		}
		for range exchanges {
			answer, err := client.Get(nothing.URL)
			if err != nil {
				return err
			}
			io.Copy(io.Discard, answer.Body) // empty
			answer.Body.Close()
		}
		return nil
	}
	e := b.effort()
	e.round *= 5 // a login is long
	f, err := e.versus(ctx, 1, login, bare)
	if err != nil {
		return nil, err
	}
	f.Work = "login over OpenID Connect, from pushed request to ID Token, 1 at once"
	f.LimitIs = fmt.Sprintf("%d RSA-2048 verifications and %d HTTP exchanges with a handler that does nothing", verifications, exchanges)
	f.Notes = append(f.Notes, "With the phone: one argon2id of 19 MiB for the PIN and an RSA-2048 signature are in ours, and not in the limit")
	if rss := residentMemory(); rss != "" {
		f.Notes = append(f.Notes, fmt.Sprintf("Resident memory of this process, with the whole neighbourhood and its phone, after %d logins: %s", logins, rss))
	}
	return []figure{f}, nil
}

// loginAtClient is one login in a new browser.
func (s *benchStreet) loginAtClient(ctx context.Context, party *relying.Party, counted *counter) error {
	browser, err := s.newBrowser()
	if err != nil {
		return err
	}
	browser.Transport = counted
	kept, to, err := party.Begin(ctx, relying.Request{ACR: "r2"})
	if err != nil {
		return err
	}
	head, err := clickLink(ctx, browser, http.MethodGet, to, "")
	if err != nil {
		return err
	}
	verifier := s.n.settings.page("verifier")
	page := head.Get("Location") // /login/ID
	if page, err = absolute(verifier, page); err != nil {
		return err
	}
	for _, click := range []struct{ method, path, form string }{{http.MethodGet, "", ""}, {http.MethodPost, "/ask", "with=this"}, {http.MethodGet, "/phone", ""}} {
		if head, err = clickLink(ctx, browser, click.method, page+click.path, click.form); err != nil {
			return err
		}
	}
	_, link, ok := strings.Cut(head.Get("Refresh"), "url=")
	if !ok {
		return errors.New("bench: the provider does not lead to the phone")
	}
	redirect, err := s.approve(ctx, link)
	if err != nil {
		return err
	}
	if head, err = clickLink(ctx, browser, http.MethodGet, redirect, ""); err != nil {
		return err
	}
	back, err := url.Parse(head.Get("Location"))
	if err != nil {
		return err
	}
	who, err := party.Finish(ctx, kept, back.Query())
	if err == nil && who.Sub == "" {
		err = errors.New("bench: nobody logged in")
	}
	return err
}

// absolute is where a redirect leads.
func absolute(base, location string) (string, error) {
	at, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	to, err := at.Parse(location)
	if err != nil {
		return "", err
	}
	return to.String(), nil
}

// counter counts exchanges.
type counter struct {
	n    atomic.Int64
	next http.RoundTripper
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.next.RoundTrip(r)
}

// residentMemory is how much memory this process has at this moment and had at most, where
// the system tells it (proc(5), /proc/self/status).
func residentMemory() string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return ""
	}
	var now, most string
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			now = strings.TrimSpace(value)
		}
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			most = strings.TrimSpace(value)
		}
	}
	return fmt.Sprintf("%s (at most %s)", now, most)
}
