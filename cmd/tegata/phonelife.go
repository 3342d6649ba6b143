package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
)

// withCard calls a phone's door while a card is held to it.
func withCard(ctx context.Context, c console, flags *flag.FlagSet, args []string, door string, secrets ...string) (*remote, string, error) {
	r := remoteFlags(c, flags)
	card := flags.String("card", "", "the card to hold to the phone; it is taken away again afterwards. Empty: the card that is held to it already")
	file := flags.String("secrets", "-", "JSON file with the secrets, mode 0600; - is standard input")
	words, err := parse(flags, args, "PHONE")
	if err != nil {
		return nil, "", err
	}
	body, err := readSecrets(c, *file, secrets...)
	if err != nil {
		return nil, "", err
	}
	if err := r.find(ctx); err != nil {
		return nil, "", err
	}
	done := func() error { return nil }
	if *card != "" {
		if done, err = holdCard(ctx, r, *card, words[0]); err != nil {
			return nil, "", err
		}
	}
	err = r.post(ctx, "phone", phonePath(words[0], door), body, nil)
	return r, words[0], errors.Join(err, done())
}

// phoneFound resumes a phone that was lost or suspected.
func phoneFound(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r, id, err := withCard(ctx, c, flags, args, "found", "card_auth_pin")
	if err != nil {
		return err
	}
	c.say("再開しました。署名用電子証明書は、もう一度発行してください。 / Resumed. Have a new signature certificate issued: tegata phone reissue %s", id)
	return printPhone(ctx, r, id, false)
}

// phoneReissue has a signature certificate issued anew.
func phoneReissue(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r, id, err := withCard(ctx, c, flags, args, "reissue", "card_signature_password", "phone_signature_password")
	if err != nil {
		return err
	}
	return printPhone(ctx, r, id, false)
}

// phoneReportLost suspends the phone of whoever's card it is.
func phoneReportLost(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	if _, _, err := withCard(ctx, c, flags, args, "report-lost", "card_auth_pin"); err != nil {
		return err
	}
	c.say("そのカードの持ち主のスマホを一時停止しました。 / The phone of that card's owner is suspended.")
	return nil
}

// phoneStop gives a phone up, and prints the receipt that a shop checks.
func phoneStop(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	force := flags.Bool("force", false, "wipe it even when the authority cannot be reached: its certificates stay good until it can be told")
	words, err := parse(flags, args, "PHONE")
	if err != nil {
		return err
	}
	if err := r.find(ctx); err != nil {
		return err
	}
	var out struct {
		Receipt *struct {
			ID   string `json:"id"`
			Tag  string `json:"tag"`
			Page string `json:"page"`
		} `json:"receipt"`
	}
	if err := r.post(ctx, "phone", phonePath(words[0], "stop"), map[string]bool{"force": *force}, &out); err != nil {
		return err
	}
	if out.Receipt == nil {
		c.say("鍵は消しました。電子証明書はまだ失効していません。つながりしだい届け出を送ります。 / The keys are erased, and the certificates not revoked yet: the order is sent when the phone has a line.")
	} else {
		fmt.Fprintf(c.out, "receipt  %s\ntag      %s\npage     %s\n", out.Receipt.ID, out.Receipt.Tag, out.Receipt.Page)
	}
	return printPhone(ctx, r, words[0], false)
}
