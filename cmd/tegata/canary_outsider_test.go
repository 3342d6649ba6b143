package main

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// outsiders are the services that know OpenID Connect alone.
var outsiders = []string{"bank", "carrier", "pay"}

// loginOutside logs in at each of them.
func (c *canaries) loginOutside(ctx context.Context) error {
	for _, role := range outsiders {
		if err := c.loginAt(ctx, role); err != nil {
			return fmt.Errorf("%s: %w", role, err)
		}
	}
	return nil
}

// loginAt logs in with the phone in the same browser, and lets the service have all that it
// asks for.
func (c *canaries) loginAt(ctx context.Context, role string) error {
	b := newBrowser()
	page, err := b.send(ctx, c.settings.page(role)+"/login", url.Values{})
	if err != nil {
		return err
	}
	to, err := found(page, `href="(http://verifier\.localhost[^"]*request_uri=[^"]*)"`)
	if err != nil {
		return err
	}
	if _, err := b.open(ctx, to); err != nil {
		return err
	}
	if page, err = b.send(ctx, b.url+"/ask", url.Values{"with": {"this"}}); err != nil {
		return err
	}
	link, err := found(page, `(http://phone\.localhost:\d+/[^"<]*request_uri=[^"<]*)`)
	if err != nil {
		return err
	}
	if page, err = b.open(ctx, c.phonePage()+"/request?"+strings.SplitN(link, "?", 2)[1]); err != nil {
		return err
	}
	form := url.Values{"decision": {"approve"}, "pin": {c.secrets.phonePIN}}
	for _, asked := range regexp.MustCompile(`name="granted" value="(\w+)"`).FindAllStringSubmatch(page, -1) {
		form.Add("granted", asked[1])
	}
	if page, err = b.sendOnce(ctx, b.url, form); err != nil {
		return err
	}
	back, err := found(page, `href="(http://verifier[^"]*response_code=[^"]*)"`)
	if err != nil {
		return err
	}
	return c.atHome(b.open(ctx, back))
}
