package main

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/holder/eid"
	"tegata/holder/reader"
	"tegata/internal/secret"
)

// A reader that knows nothing but the card: the holder has the phone be one, from the command
// line and on the phone's page, and the reader gets a code, a certificate and three
// signatures, each in the history.
func TestAPhoneIsHeldAsTheCard(t *testing.T) {
	atCounters(t, func(ctx context.Context, c *counters) error {
		slot, err := reader.Listen("127.0.0.1:0")
		if err != nil {
			return err
		}
		defer slot.Close()
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		present := func(stdin string, more ...string) (string, error) {
			return c.tegata(ctx, c.dir, stdin, append([]string{"phone", "present", newPhone, "-into", "vpcd:" + slot.Addr()}, more...)...)
		}
		var exit *exitError
		if _, err := present(`{"phone_auth_pin":"9999"}`, "-compat", "-secrets", "-"); !errors.As(err, &exit) || exit.code != exitRefused || !strings.Contains(exit.said, "wrong-phone-pin") {
			t.Errorf("a wrong PIN: %v", err)
		}
		for _, wrong := range [][]string{{"-compat"}, {"-secrets", "-"}} {
			if _, err := present("{}", wrong...); !errors.As(err, &exit) || exit.code != exitUsage {
				t.Errorf("%v: %v", wrong, err)
			}
		}
		held := make(chan string, 1)
		go func() {
			out, err := present(marshal(c.own), "-compat", "-secrets", "-")
			held <- fmt.Sprint(strings.TrimSpace(out), err)
		}()
		tap, err := slot.Wait(ctx)
		if err != nil {
			return err
		}
		b := newBrowser()
		page, err := b.open(ctx, c.phone+"/compat")
		if err != nil {
			return err
		}
		digits, err := found(page, `class="lockcode">(\d{4})<`)
		if err != nil {
			return err
		}
		code, err := secret.ParsePIN(digits)
		if err != nil {
			return err
		}
		j, err := eid.Open(ctx, tap)
		if err != nil {
			return err
		}
		s, err := j.Signer(ctx, eid.AuthPIN, code)
		if err != nil {
			return err
		}
		digest := sha256.Sum256([]byte("照会"))
		for range 3 {
			sig, err := s.Sign(nil, digest[:], crypto.SHA256)
			if err != nil {
				return err
			}
			if err := rsa.VerifyPKCS1v15(s.Public().(*rsa.PublicKey), crypto.SHA256, digest[:], sig); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.Sign(nil, digest[:], crypto.SHA256); err == nil {
			t.Error("a fourth signature")
		}
		if page, err = b.open(ctx, c.phone+"/history"); err != nil {
			return err
		}
		if n := strings.Count(page, "カードの代わりの署名"); n != 3 {
			t.Errorf("%d in the history: %s", n, words(page))
		}
		tap.Close() // the terminal lets go
		if got := <-held; got != digits+"<nil>" {
			t.Errorf("the command said %q, want the code %s", got, digits)
		}
		if page, err = b.open(ctx, c.phone+"/compat"); err != nil || strings.Contains(page, digits) {
			t.Errorf("it goes on: %v", err)
		}

		// On the phone's own page, and its end by a press.
		if page, err = b.sendOnce(ctx, c.phone+"/compat", url.Values{"pin": {c.own.PhoneAuthPIN}}); err != nil {
			return err
		}
		if _, err := found(page, `class="lockcode">(\d{4})<`); err != nil {
			return err
		}
		if _, err := b.send(ctx, c.phone+"/compat/off", nil); err != nil {
			return err
		}
		if page, err = b.open(ctx, c.phone+"/compat"); err != nil || strings.Contains(page, `class="lockcode"`) {
			t.Errorf("it goes on: %v", err)
		}
		return nil
	})
}
