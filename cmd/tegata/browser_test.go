package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"tegata/internal/httpd"
)

// browser is a person's: it keeps cookies by origin's host and follows redirects
// when told to. It runs no script, as every page works without.
type browser struct {
	client *http.Client
	url    string // of the last page
	status int
}

// newBrowser opens one.
func newBrowser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it has no error to give
	}
	c := httpd.Client(20 * time.Second)
	c.Jar = jar
	c.CheckRedirect = func(next *http.Request, before []*http.Request) error {
		next.Header.Del("Origin") // of the form, not of where it led to
		next.Header.Del("Sec-Fetch-Site")
		if len(before) > 10 {
			return errors.New("redirects without end")
		}
		return nil
	}
	return &browser{client: c}
}

// open follows a link; the text of the page it ends at.
func (b *browser) open(ctx context.Context, address string) (string, error) {
	return b.do(ctx, http.MethodGet, address, nil)
}

// send submits a form of the page it is on.
func (b *browser) send(ctx context.Context, address string, form url.Values) (string, error) {
	return b.do(ctx, http.MethodPost, address, form)
}

// sendOnce sends the form of the page at address, which carries a word that is good for
// one sending.
func (b *browser) sendOnce(ctx context.Context, address string, form url.Values) (string, error) {
	page, err := b.open(ctx, address)
	if err != nil {
		return "", err
	}
	word, err := found(page, `name="form" value="([^"]*)"`)
	if err != nil {
		return "", err
	}
	form.Set("form", word)
	return b.send(ctx, b.url, form)
}

func (b *browser) do(ctx context.Context, method, address string, form url.Values) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	res, err := b.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	b.url, b.status = res.Request.URL.String(), res.StatusCode
	if err == nil && res.StatusCode >= 400 {
		err = fmt.Errorf("%s %s: status %d: %s", method, address, res.StatusCode, words(string(page)))
	}
	return string(page), err
}

var markup = regexp.MustCompile(`(?s)<(script|style|svg).*?</(script|style|svg)>|<[^>]*>`)

// words is what a page says.
func words(page string) string {
	return strings.Join(strings.Fields(html.UnescapeString(markup.ReplaceAllString(page, " "))), " ")
}

// found is the first group of a pattern in a page, as a person would read it.
func found(page, pattern string) (string, error) {
	m := regexp.MustCompile(pattern).FindStringSubmatch(page)
	if m == nil {
		return "", fmt.Errorf("the page has no %s: %s", pattern, words(page))
	}
	return html.UnescapeString(m[1]), nil
}

// beginLogin begins a login at the portal. link opens the request on a phone;
// number is the one to choose there, "" on the same device.
func (b *browser) beginLogin(ctx context.Context, portal string, other bool) (link, number string, err error) {
	with := url.Values{"with": {"this"}}
	if other {
		with.Set("with", "other")
	}
	page, err := b.send(ctx, portal+"/login", with)
	if err != nil {
		return "", "", err
	}
	if link, err = found(page, `(http://phone\.localhost:\d+/[^"<]*request_uri=[^"<]*)`); err != nil || !other {
		return link, "", err
	}
	number, err = found(page, `class="bignumber"[^>]*>(\d\d)<`)
	return link, number, err
}
