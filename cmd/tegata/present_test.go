package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/holder/reader"
	"tegata/holder/reader/handover"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/services/pay"
)

// byTap has a counter ask for what is held to its slot.
func byTap(q *ceremony.Request) { q.Channel, q.Match = ceremony.Tap, nil }

// A person holds the phone to a till, reads where and what for, types the PIN, and the till
// has the verdict: from the command line, over the wire, on the phone's pages.
func TestAPhoneIsHeldToATill(t *testing.T) {
	atCounters(t, func(ctx context.Context, c *counters) error {
		slot, err := reader.Listen("127.0.0.1:0")
		if err != nil {
			return err
		}
		defer slot.Close()
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()

		s, err := c.kiosk.ask(ctx, byTap)
		if err != nil {
			return err
		}
		if s.Match != "" {
			t.Errorf("a number for a tap: %s", s.Match)
		}
		held := make(chan string, 1)
		go func() {
			out, err := c.tegata(ctx, c.dir, "", "phone", "present", newPhone, "-into", "vpcd:"+slot.Addr())
			held <- fmt.Sprint(strings.TrimSpace(out), err)
		}()
		if err := handover.Request(ctx, slot, s.RequestURI); err != nil {
			return err
		}
		if got, want := <-held, s.RequestURI+"<nil>"; got != want {
			t.Errorf("the command said %q, want %q", got, want)
		}
		b := newBrowser()
		page, err := b.open(ctx, c.phone+"/")
		if err != nil {
			return err
		}
		if !strings.Contains(words(page), "手形ストア本町店") {
			t.Errorf("the phone's first page does not show that something waits: %s", words(page))
		}
		if page, err = b.open(ctx, c.phone+"/request?"+url.Values{"request_uri": {s.RequestURI}}.Encode()); err != nil {
			return err
		}
		for _, want := range []string{"手形ストア本町店", "手形市本町1", "窓口で本人を確かめます"} {
			if !strings.Contains(words(page), want) {
				t.Errorf("the phone does not say %s: %s", want, words(page))
			}
		}
		if _, err := approveOn(ctx, b, s, c.own.PhoneAuthPIN); err != nil {
			return err
		}
		if r, err := c.kiosk.sees(ctx, s); err != nil || r.Verdict != ceremony.Passed || r.Channel != ceremony.Tap || r.Sub == "" {
			t.Errorf("the till sees %+v, %v", r, err)
		}

		// Read off the counter and sent to somebody, the address is of no use; held there, the
		// same phone answers it, without its screen too.
		if s, err = c.kiosk.ask(ctx, byTap); err != nil {
			return err
		}
		approve := func() (string, error) {
			return c.tegata(ctx, c.dir, marshal(c.own), "phone", "approve", newPhone, "-request", s.RequestURI)
		}
		if _, err := approve(); err == nil || !strings.Contains(err.Error(), "request-not-tapped") {
			t.Errorf("a till's request by its link: %v", err)
		}
		if r, err := c.kiosk.sees(ctx, s); err != nil || r.Verdict != "" {
			t.Errorf("the till sees %+v, %v", r, err)
		}
		go func() {
			_, err := c.tegata(ctx, c.dir, "", "phone", "present", newPhone, "-into", "vpcd:"+slot.Addr())
			held <- fmt.Sprint(err)
		}()
		if err := handover.Request(ctx, slot, s.RequestURI); err != nil {
			return err
		}
		if got := <-held; got != "<nil>" {
			t.Errorf("held there again: %s", got)
		}
		if _, err := approve(); err != nil {
			t.Errorf("approved without a screen: %v", err)
		}
		if r, err := c.kiosk.sees(ctx, s); err != nil || r.Verdict != ceremony.Passed {
			t.Errorf("the till sees %+v, %v", r, err)
		}

		// A phone that lost its network after it was asked: the till takes the sealed answer at a
		// second tap, posts it, and the verifier judges it as any other.
		answer := ""
		if s, err = c.kiosk.ask(ctx, byTap, func(q *ceremony.Request) { answer = q.ResponseURI }); err != nil {
			return err
		}
		present := func() {
			_, err := c.tegata(ctx, c.dir, "", "phone", "present", newPhone, "-into", "vpcd:"+slot.Addr())
			held <- fmt.Sprint(err)
		}
		go present()
		if err := handover.Request(ctx, slot, s.RequestURI); err != nil {
			return err
		}
		if got := <-held; got != "<nil>" {
			t.Errorf("held: %s", got)
		}
		network := func(on string) error {
			_, err := b.send(ctx, c.phone+"/settings", url.Values{"what": {"network"}, "on": {on}})
			return err
		}
		if err := network(""); err != nil {
			return err
		}
		if _, said, err := c.terminal(ctx, c.dir, marshal(c.own), "phone", "approve", newPhone, "-request", s.RequestURI); err != nil || !strings.Contains(said, "hold the phone to the same terminal again") {
			t.Errorf("approved without a network: %q, %v", said, err)
		}
		if r, err := c.kiosk.sees(ctx, s); err != nil || r.Verdict != "" {
			t.Errorf("the till sees %+v, %v", r, err)
		}
		go present()
		given, err := handover.Answer(ctx, slot, s.RequestURI)
		if err != nil {
			return err
		}
		<-held
		asker := pay.NewAsker(pay.AskerConfig{HTTP: httpd.Client(10 * time.Second)}) // posting it proves nobody
		if err := asker.Relay(ctx, pay.Asked{Answer: answer}, given); err != nil {
			return err
		}
		if r, err := c.kiosk.sees(ctx, s); err != nil || r.Verdict != ceremony.Passed || r.Channel != ceremony.Tap || r.Sub == "" {
			t.Errorf("the till sees %+v, %v", r, err)
		}
		if err := network("yes"); err != nil {
			return err
		}

		// Another party's terminal is not taken, and a phone that is off is not held anywhere.
		other := c.clinic.place
		if _, err := c.kiosk.ask(ctx, byTap, func(q *ceremony.Request) { q.Terminal = &other }); err == nil || !strings.Contains(err.Error(), "terminal-not-registered") {
			t.Errorf("the clinic's terminal at the kiosk: %v", err)
		}
		var exit *exitError
		for _, wrong := range []string{"kiosk:9", "phone:" + newPhone} {
			if _, err := c.tegata(ctx, c.dir, "", "phone", "present", newPhone, "-into", wrong); !errors.As(err, &exit) {
				t.Errorf("-into %s: %v", wrong, err)
			}
		}
		if _, err := c.tegata(ctx, c.dir, "", "phone", "power", newPhone, "off"); err != nil {
			return err
		}
		if _, err := c.tegata(ctx, c.dir, "", "phone", "present", newPhone, "-into", "vpcd:"+slot.Addr()); !errors.As(err, &exit) {
			t.Errorf("a phone that is off: %v", err)
		}
		return nil
	})
}
