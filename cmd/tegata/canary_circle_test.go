package main

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// agentPhone is the phone of the agent, whom the person trusts. Its secrets are no
// canaries: the person's are typed at the same doors.
const (
	agentPhone         = "jiro-phone"
	agentPhonePIN      = "2846"
	agentPhonePassword = "KMTQ8352"
)

// arrange is what the person arranges at the portal, and with the card.
func (c *canaries) arrange() []canaryStep {
	return []canaryStep{
		{"be told of notices by a browser", c.beTold},
		{"trust somebody", c.trust},
		{"loosen limits with the card", c.loosen},
		{"loosen limits with the card, by command", func(ctx context.Context) error {
			return c.command(ctx, map[string]string{"card_auth_pin": c.secrets.cardPIN}, "phone", "loosen", newPhone, "-card", resident)
		}},
		{"change where notices go, with the card", c.changeAddress},
		{"take that back, with the card", func(ctx context.Context) error {
			page, err := c.cardPINWalk(ctx, "/address/keep", url.Values{})
			return says(page, err, "送り先の変更を取り消しました")
		}},
		{"change where notices go, by command", c.changeAddressByCommand},
		{"report a use as not one's own", c.reportUse},
	}
}

// giveUp ends both phones.
func (c *canaries) giveUp() []canaryStep {
	return []canaryStep{
		{"be told that there is a notice", c.wasTold},
		{"revoke a phone by its owner's card, by command", func(ctx context.Context) error {
			if err := c.takeAway(ctx, resident); err != nil { // the phone is somebody else's
				return err
			}
			return c.command(ctx, map[string]string{"card_auth_pin": c.secrets.agentPIN}, "phone", "revoke-by-card", newPhone, "-card", agentCard)
		}},
		{"revoke a phone by its owner's card", func(ctx context.Context) error {
			page, err := c.cardPINWalk(ctx, "/hand-over/card", url.Values{"sure": {"yes"}})
			return says(page, err, "もう誰も使えません")
		}},
	}
}

// pushService is a browser maker's, on this machine, with one browser that is told.
type pushService struct {
	addr    string // host:port
	path    string // of the browser's address: who knows it can tell it something
	browser *ecdh.PrivateKey
	auth    []byte
	asked   atomic.Int32 // how often it was asked, by a portal that proved itself
}

func newPushService(t *testing.T) *pushService {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &pushService{path: rand.Text(), browser: key, auth: []byte(rand.Text()[:16])}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/"+p.path && strings.HasPrefix(r.Header.Get("Authorization"), "vapid ") { // RFC 8292, section 3
			p.asked.Add(1)
		}
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(s.Close)
	p.addr = strings.TrimPrefix(s.URL, "http://")
	return p
}

// beTold has the person's browser ask to be told, as the portal's script does.
func (c *canaries) beTold(ctx context.Context) error {
	var err error
	if c.home, err = c.enterPortal(ctx); err != nil {
		return err
	}
	text, portal := base64.RawURLEncoding.EncodeToString, c.settings.page("portal")
	if _, err = c.home.send(ctx, portal+"/push", url.Values{"endpoint": {"http://" + c.push.addr + "/" + c.push.path},
		"p256dh": {text(c.push.browser.PublicKey().Bytes())}, "auth": {text(c.push.auth)}}); err != nil {
		return err
	}
	page, err := c.home.open(ctx, portal+"/push")
	if err == nil && !strings.Contains(page, `action="/push/end"`) {
		err = fmt.Errorf("no browser is told: %s", words(page))
	}
	return err
}

// wasTold waits until the portal has told the browser of the phone's suspension: the key
// that proves the portal was used.
func (c *canaries) wasTold(ctx context.Context) error {
	for range 200 {
		if c.push.asked.Load() > 0 {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("no push came")
}

// trust invites somebody, who logs in with a phone of their own and types the code.
func (c *canaries) trust(ctx context.Context) error {
	portal := c.settings.page("portal")
	page, err := c.home.send(ctx, portal+"/trusted/invite", url.Values{"label": {"いとこ"}, "shown": {"ハナ"}})
	if err != nil {
		return err
	}
	code, err := found(page, `class="lockcode">([\d ]+)<`)
	if err != nil {
		return err
	}
	c.told = append(c.told, digitsNeedle("the invitation code", code, "code"))
	if err := c.command(ctx, nil, "phone", "new", agentPhone, "-resident", agentCard); err != nil {
		return err
	}
	v, err := c.show(ctx, c.dir, agentPhone)
	if err != nil {
		return err
	}
	c.readers = append(c.readers, v.Reader)
	if err := c.command(ctx, map[string]string{"card_signature_password": c.agents.CardSignaturePassword, "phone_auth_pin": agentPhonePIN,
		"phone_signature_password": agentPhonePassword}, "phone", "enrol", agentPhone, "-card", agentCard); err != nil {
		return err
	}
	b := newBrowser()
	link, _, err := b.beginLogin(ctx, portal, false)
	if err != nil {
		return err
	}
	said, err := c.commandSays(ctx, map[string]string{"phone_auth_pin": agentPhonePIN}, "phone", "approve", agentPhone, "-request", link)
	if err != nil {
		return err
	}
	back, err := found(said, `(http://portal\S*response_code=\S*)`)
	if err != nil {
		return err
	}
	if _, err := b.open(ctx, back); err != nil {
		return err
	}
	page, err = b.send(ctx, portal+"/trusted/code", url.Values{"code": {code}})
	return says(page, err, "スマホを止める役を引き受けますか")
}

// loosen sets a limit at the portal, and ends every limit with the card.
func (c *canaries) loosen(ctx context.Context) error {
	locks := c.settings.page("portal") + "/rules/locks"
	text, err := c.home.open(ctx, locks)
	if err != nil {
		return err
	}
	id, err := found(text, `name="id" value="([^"]*)"`)
	if err != nil {
		return err
	}
	text, err = c.home.send(ctx, locks, url.Values{"id": {id}, "lock": {"private"}})
	if err := says(text, err, "すぐに働きます"); err != nil {
		return err
	}
	b, page := newBrowser(), c.phonePage()
	if text, err = b.sendFrom(ctx, page+"/loosen", page+"/loosen", url.Values{"which": {"every"}}); err != nil {
		return err
	}
	form := url.Values{"pin": {c.secrets.cardPIN}}
	for _, field := range []string{"proposal", "rules"} {
		value, err := found(text, `name="`+field+`" value="([^"]*)"`)
		if err != nil {
			return err
		}
		form.Set(field, value)
	}
	if text, err = b.sendFrom(ctx, page+"/loosen/card", page+"/loosen/card", form); err != nil {
		return err
	}
	if err := c.holdOnce(ctx, b, text); err != nil {
		return err
	}
	text, err = b.sendFrom(ctx, page+"/loosen/card/tap", page+"/loosen/card/read", url.Values{})
	if err == nil && !strings.Contains(b.url, "done=loosened") {
		err = fmt.Errorf("nothing was loosened: %s", words(text))
	}
	return err
}

// changeAddress enters a new address on the phone's pages, and has the card say it.
func (c *canaries) changeAddress(ctx context.Context) error {
	b, page := newBrowser(), c.phonePage()
	text, err := b.sendFrom(ctx, page+"/address", page+"/address", url.Values{"address": {c.newAddress}})
	if err := says(text, err, c.newAddress); err != nil {
		return err
	}
	text, err = c.cardPINWalkIn(ctx, b, "/address/card", url.Values{"address": {c.newAddress}})
	return says(text, err, "送り先の変更を受け付けました")
}

// changeAddressByCommand leaves a change waiting, by the command that reads a file.
func (c *canaries) changeAddressByCommand(ctx context.Context) error {
	file := filepath.Join(filepath.Dir(c.dir), "address")
	if err := os.WriteFile(file, []byte(c.newAddress+"\n"), 0o600); err != nil {
		return err
	}
	return c.command(ctx, map[string]string{"card_auth_pin": c.secrets.cardPIN}, "phone", "address", newPhone, "-card", resident, "-to", file)
}

// reportUse has the person say at the portal that a use was none of theirs, which stops
// the phone and brings a case to the helpdesk.
func (c *canaries) reportUse(ctx context.Context) error {
	uses := c.settings.page("portal") + "/uses"
	page, err := c.home.open(ctx, uses)
	if err != nil {
		return err
	}
	id, err := found(page, `href="/uses/([^"]+)"`)
	if err != nil {
		return err
	}
	page, err = c.home.sendFrom(ctx, uses+"/"+id, uses+"/"+id+"/not-me", url.Values{})
	c.reported = path.Base(c.home.url)
	return says(page, err, "スマホを一時停止しました")
}
