package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// trouble is what the person does when a secret is forgotten and a phone is lost, on
// the pages alone; what is arranged while the phone is well; and who is asked for help.
func (c *canaries) trouble() []canaryStep {
	steps := []canaryStep{
		{"change the PIN", c.changePIN},
		{"reset the PIN", c.resetPIN},
		{"change the password", c.changePassword},
		{"forget the password", c.forgetPassword},
		{"stop the phone by lock code", c.stopByLockCode},
		{"find the phone again", c.findAgain},
		{"apply for a signature certificate", c.reissue},
	}
	steps = append(steps, c.arrange()...)
	steps = append(steps, canaryStep{"stop the phone by card", c.stopByCard}, canaryStep{"ask somebody who helps", c.askHelper})
	steps = append(steps, c.atHelpdesk()...)
	return append(steps, c.giveUp()...)
}

// sendFrom sends the form of the page at from to an address of its own.
func (b *browser) sendFrom(ctx context.Context, from, to string, form url.Values) (string, error) {
	page, err := b.open(ctx, from)
	if err != nil {
		return "", err
	}
	if word, err := found(page, `name="form" value="([^"]*)"`); err == nil {
		form.Set("form", word)
	}
	return b.send(ctx, to, form)
}

// says checks that a page says what it should.
func says(page string, err error, want string) error {
	if err == nil && !strings.Contains(words(page), want) {
		err = fmt.Errorf("the page does not say %s: %s", want, words(page))
	}
	return err
}

func (c *canaries) changePIN(ctx context.Context) error {
	page, err := newBrowser().sendOnce(ctx, c.phonePage()+"/change-pin", url.Values{"old": {c.secrets.phonePIN}, "pin": {c.secrets.newPIN}, "again": {c.secrets.newPIN}})
	return says(page, err, "暗証番号を変えました")
}

func (c *canaries) resetPIN(ctx context.Context) error {
	page, err := newBrowser().sendOnce(ctx, c.phonePage()+"/reset-pin",
		url.Values{"password": {c.secrets.phonePassword}, "pin": {c.secrets.phonePIN}, "again": {c.secrets.phonePIN}})
	return says(page, err, "暗証番号を変えました")
}

func (c *canaries) changePassword(ctx context.Context) error {
	page, err := newBrowser().sendOnce(ctx, c.phonePage()+"/change-password",
		url.Values{"old": {c.secrets.phonePassword}, "password": {c.secrets.newPassword}, "again": {c.secrets.newPassword}})
	return says(page, err, "パスワードを変えました")
}

// forgetPassword has a new signature certificate made with a password that is known.
func (c *canaries) forgetPassword(ctx context.Context) error {
	return c.applyForSign(ctx, "/forgot", c.secrets.phonePassword)
}

func (c *canaries) reissue(ctx context.Context) error {
	return c.applyForSign(ctx, "/reissue", c.secrets.newPassword)
}

// applyForSign is a walk to a new signature certificate, with the card.
func (c *canaries) applyForSign(ctx context.Context, walk, password string) error {
	b, page := newBrowser(), c.phonePage()
	text, err := b.sendFrom(ctx, page+walk+"/card-password", page+walk+"/card-password", url.Values{"password": {c.secrets.cardPassword}})
	if err != nil {
		return err
	}
	if version, none := found(text, `name="version" value="([^"]*)"`); none == nil {
		if text, err = b.sendFrom(ctx, page+walk+"/terms", page+walk+"/terms", url.Values{"version": {version}}); err != nil {
			return err
		}
	}
	if err := c.holdOnce(ctx, b, text); err != nil {
		return err
	}
	if _, err := b.sendFrom(ctx, page+walk+"/tap", page+walk+"/apply", url.Values{}); err != nil {
		return err
	}
	text, err = b.sendFrom(ctx, page+"/reissue/password", page+"/reissue/password", url.Values{"password": {password}, "again": {password}})
	return says(text, err, "署名用の電子証明書が新しくなりました")
}

// stopByLockCode stops the phone in a browser that was never there.
func (c *canaries) stopByLockCode(ctx context.Context) error {
	p, err := whoLives(resident)
	if err != nil {
		return err
	}
	form := url.Values{"lock_code": {strings.ReplaceAll(c.lockCode, " ", "")}, "birth_date": {p.Birth}}
	page, err := newBrowser().send(ctx, c.settings.page("portal")+"/lost", form)
	return says(page, err, "スマホを一時停止しました")
}

func (c *canaries) findAgain(ctx context.Context) error {
	page, err := c.cardPINWalk(ctx, "/found", url.Values{})
	return says(page, err, "スマホが元に戻りました")
}

func (c *canaries) stopByCard(ctx context.Context) error {
	page, err := c.cardPINWalk(ctx, "/lost/card", url.Values{})
	return says(page, err, "電子証明書を止めました")
}

// holdOnce holds the card to the phone, where it is not held already.
func (c *canaries) holdOnce(ctx context.Context, b *browser, page string) error {
	if !strings.Contains(page, "/hold?") {
		return nil
	}
	return c.hold(ctx, b, page)
}

// askHelper has the phone make a support number, and somebody else look at what it
// shows.
func (c *canaries) askHelper(ctx context.Context) error {
	text, err := newBrowser().sendFrom(ctx, c.phonePage()+"/support", c.phonePage()+"/support", url.Values{})
	if err != nil {
		return err
	}
	number, err := found(text, `class="bignumber">([\d ]+)<`)
	if err != nil {
		return err
	}
	c.support = number
	c.told = append(c.told, digitsNeedle("the support number", number, "number"))
	helper := c.settings.page("helpdesk") + "/helper"
	page, err := newBrowser().sendFrom(ctx, helper, helper, url.Values{"number": {number}})
	return says(page, err, "いまの手順")
}

// cardPINWalk is a walk of two screens: the card's PIN, with what else is asked there, and
// the card.
func (c *canaries) cardPINWalk(ctx context.Context, walk string, form url.Values) (string, error) {
	return c.cardPINWalkIn(ctx, newBrowser(), walk, form)
}

// cardPINWalkIn is cardPINWalk in a browser that entered something before.
func (c *canaries) cardPINWalkIn(ctx context.Context, b *browser, walk string, form url.Values) (string, error) {
	page := c.phonePage()
	form.Set("pin", c.secrets.cardPIN)
	text, err := b.sendFrom(ctx, page+walk, page+walk, form)
	if err != nil {
		return "", err
	}
	if err := c.holdOnce(ctx, b, text); err != nil {
		return "", err
	}
	return b.sendFrom(ctx, page+walk+"/tap", page+walk+"/read", url.Values{})
}

// signForShop signs a document of the trial counter. The phone is of today, so that the
// verifier refuses what was signed: by then the password was typed, and the signature sent.
func (c *canaries) signForShop(ctx context.Context) error {
	b := newBrowser()
	text, err := b.send(ctx, c.settings.page("street")+"/shop", url.Values{"what": {"sign-text"}})
	if err != nil {
		return err
	}
	link, err := found(text, `href="([^"]*/open\?request_uri=[^"]*)"`)
	if err != nil {
		return err
	}
	text, err = b.sendOnce(ctx, c.phonePage()+"/request?"+strings.SplitN(link, "?", 2)[1],
		url.Values{"decision": {"approve"}, "password": {c.secrets.phonePassword}})
	if b.status == http.StatusForbidden {
		err = nil
	}
	return says(text, err, "cooling-off")
}
