package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"tegata/sandbox"
)

// agentCard is the card of who works at the helpdesk, A-01 on its roster.
const agentCard = "jiro"

// What the caller says, as the agent types it: in no other place is it written so. And as
// an ear knows it, which is how it is compared.
const (
	heardName, spokenName       = "手　形 花　子", "手形花子"
	heardAddress, spokenHeardAt = "見本県 手形市　１ー２ー３", "見本県手形市1-2-3"
)

func factsHeard() []needle {
	return []needle{factNeedle("the name as heard", heardName, spokenName), factNeedle("the address as heard", heardAddress, spokenHeardAt)}
}

// whoLives is the resident as the sandbox's people are listed.
func whoLives(id string) (sandbox.Person, error) {
	_, people, err := sandbox.People()
	if err != nil {
		return sandbox.Person{}, err
	}
	for _, p := range people {
		if p.ID == id {
			return p, nil
		}
	}
	return sandbox.Person{}, fmt.Errorf("nobody is called %s", id)
}

// factsRegistered is what the register says of the resident.
func factsRegistered(t *testing.T) []needle {
	t.Helper()
	p, err := whoLives(resident)
	if err != nil {
		t.Fatal(err)
	}
	return []needle{factNeedle("the registered name", p.Name), factNeedle("the registered address", p.Address), factNeedle("the birth date", p.Birth)}
}

// employ gives the agent a card, while the town is made.
func (c *canaries) employ(ctx context.Context, n *neighbourhood) error {
	p, err := whoLives(agentCard)
	if err != nil {
		return err
	}
	if err := n.makePerson(ctx, p); err != nil {
		return err
	}
	c.agents, err = n.secrets.Card(agentCard)
	return err
}

// atHelpdesk is what somebody does who helps by profession.
func (c *canaries) atHelpdesk() []canaryStep {
	return []canaryStep{
		{"an agent signs in at the key pad, and helps", c.agentHelps},
		{"an agent signs in by command", c.agentByCommand},
	}
}

// agentHelps signs in on the pages, takes a call, and looks at what the support number opens.
func (c *canaries) agentHelps(ctx context.Context) error {
	b, err := c.signIn(ctx, c.typeAtPad)
	if err != nil {
		return err
	}
	p, err := whoLives(resident)
	if err != nil {
		return err
	}
	helpdesk := c.settings.page("helpdesk")
	page, err := b.send(ctx, helpdesk+"/call", url.Values{"name": {heardName}, "address": {heardAddress}, "birth_date": {p.Birth}, "sex": {"female"}})
	if err := says(page, err, "受付番号は"); err != nil {
		return err
	}
	c.caseNumber = path.Base(b.url)
	page, err = b.send(ctx, helpdesk+"/support", url.Values{"number": {c.support}})
	if err := says(page, err, "登録が終わり"); err != nil {
		return err
	}
	if err := c.workOnReport(ctx, b); err != nil {
		return err
	}
	return c.takeAway(ctx, agentCard)
}

// workOnReport waits until the person's report is there, opens it and takes it.
func (c *canaries) workOnReport(ctx context.Context, b *browser) error {
	reports := c.settings.page("helpdesk") + "/reports"
	for range 200 {
		page, err := b.open(ctx, reports)
		if err != nil {
			return err
		}
		if strings.Contains(page, c.reported) {
			page, err = b.sendFrom(ctx, reports+"/"+c.reported, reports+"/"+c.reported+"/take", url.Values{})
			return says(page, err, "調べています")
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("report %s did not come", c.reported)
}

// signIn has a browser wait for the agent, who types its number and the PIN.
func (c *canaries) signIn(ctx context.Context, typed func(ctx context.Context, b *browser, page, number string) error) (*browser, error) {
	b, helpdesk := newBrowser(), c.settings.page("helpdesk")
	page, err := b.send(ctx, helpdesk+"/enter", url.Values{})
	if err != nil {
		return nil, err
	}
	number, err := found(page, `class="bignumber"[^>]*>(\d\d)<`)
	if err != nil {
		return nil, err
	}
	if err := typed(ctx, b, page, number); err != nil {
		return nil, err
	}
	for range 100 {
		if page, err = b.open(ctx, helpdesk+"/enter"); err != nil {
			return nil, err
		}
		if strings.HasSuffix(b.url, "/home") {
			return b, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, fmt.Errorf("nobody is signed in: %s", words(page))
}

// typeAtPad puts the card to the desk's reader, and types at its key pad.
func (c *canaries) typeAtPad(ctx context.Context, b *browser, page, number string) error {
	q, err := c.holdCard(ctx, b, page, agentCard)
	if err != nil {
		return err
	}
	_, err = b.send(ctx, c.settings.page("street")+"/pad", url.Values{"card": {agentCard}, "back": {q.Get("back")}, "number": {number}, "pin": {c.secrets.agentPIN}})
	return err
}

// agentByCommand signs in by the command that puts a card and types beside it.
func (c *canaries) agentByCommand(ctx context.Context) error {
	held, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	inserted := make(chan error, 1)
	_, err := c.signIn(ctx, func(_ context.Context, _ *browser, _, number string) error {
		go func() {
			inserted <- c.command(held, map[string]string{"card_auth_pin": c.secrets.agentPIN}, "card", "insert", agentCard, "-into", helpdeskSlot, "-number", number)
		}()
		return nil
	})
	stop()
	if ended := <-inserted; err != nil { // it ended by our word
		return errors.Join(err, ended)
	}
	return c.takeAway(ctx, agentCard)
}

// takeAway takes a card out of the reader that it lies in.
func (c *canaries) takeAway(ctx context.Context, card string) error {
	_, err := newBrowser().send(ctx, c.settings.page("street")+"/cards/"+card+"/remove", url.Values{"back": {"/cards"}})
	return err
}
