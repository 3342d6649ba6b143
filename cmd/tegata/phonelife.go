package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/ui"
)

// withCard calls a phone's door while a card is held to it.
func withCard(ctx context.Context, c console, flags *flag.FlagSet, args []string, door string, secrets ...string) (*remote, string, error) {
	return withCardFor(ctx, c, flags, args, door, nil, secrets...)
}

// withCardFor is withCard for an answer.
func withCardFor(ctx context.Context, c console, flags *flag.FlagSet, args []string, door string, out any, secrets ...string) (*remote, string, error) {
	return withCardAnd(ctx, c, flags, args, door, nil, out, secrets...)
}

// withCardAnd is withCard with more in the body than secrets, and with an answer.
func withCardAnd(ctx context.Context, c console, flags *flag.FlagSet, args []string, door string, more func(map[string]any), out any, secrets ...string) (*remote, string, error) {
	return withCardChecked(ctx, c, flags, args, door, nil, more, out, secrets...)
}

// withCardChecked is withCardAnd with a check of its own flags, before a card is moved.
func withCardChecked(ctx context.Context, c console, flags *flag.FlagSet, args []string, door string, check func() error, more func(map[string]any), out any, secrets ...string) (*remote, string, error) {
	r := remoteFlags(c, flags)
	card := flags.String("card", "", "the card to hold to the phone; it is taken away again afterwards. Empty: the card that is held to it already")
	file := flags.String("secrets", "-", "JSON file with the secrets, mode 0600; - is standard input")
	words, err := parse(flags, args, "PHONE")
	if err != nil {
		return nil, "", err
	}
	if check != nil {
		if err := check(); err != nil {
			return nil, "", err
		}
	}
	body, err := readSecrets(c, *file, secrets...)
	if err != nil {
		return nil, "", err
	}
	if more != nil {
		more(body)
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
	err = r.post(ctx, "phone", phonePath(words[0], door), body, out)
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
	var out givenUp
	if err := r.post(ctx, "phone", phonePath(words[0], "stop"), map[string]bool{"force": *force}, &out); err != nil {
		return err
	}
	if out.Receipt == nil {
		c.say("鍵は消しました。電子証明書はまだ失効していません。つながりしだい届け出を送ります。 / The keys are erased, and the certificates not revoked yet: the order is sent when the phone has a line.")
	} else {
		out.print(c)
	}
	return printPhone(ctx, r, words[0], false)
}

// givenUp is what a phone's door says of one that was given up.
type givenUp struct {
	Receipt *struct {
		ID   string `json:"id"`
		Tag  string `json:"tag"`
		Page string `json:"page"`
	} `json:"receipt"`
}

func (g givenUp) print(c console) {
	fmt.Fprintf(c.out, "receipt  %s\ntag      %s\npage     %s\n", g.Receipt.ID, g.Receipt.Tag, g.Receipt.Page)
}

// phoneRevokeByCard revokes, for good, the phone of whoever's card it is.
func phoneRevokeByCard(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	var out givenUp
	if _, _, err := withCardFor(ctx, c, flags, args, "revoke-by-card", &out, "card_auth_pin"); err != nil {
		return err
	}
	c.say("そのカードの持ち主のスマホの電子証明書を失効させました。 / The phone of that card's owner is revoked.")
	out.print(c)
	return nil
}

// phoneLoosen loosens its owner's limits with the card.
func phoneLoosen(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	change := flags.String("change", "", "link of the change that the portal prepared; empty: every limit ends")
	var out struct {
		Changes []ceremony.Text `json:"changes"`
	}
	_, _, err := withCardAnd(ctx, c, flags, args, "loosen", func(body map[string]any) { body["change"] = *change }, &out, "card_auth_pin")
	if err != nil {
		return err
	}
	for _, words := range out.Changes {
		c.say("%s / %s", words.JA, words.EN)
	}
	c.say("カードで制限を変えました。 / The limits were changed with the card.")
	return nil
}

// maxAddress bounds a file with an address, in bytes.
const maxAddress = 1 << 10

// phoneAddress changes where notices go, or takes a change back. The address is personal
// data, which no list of processes shows: it comes from a file.
func phoneAddress(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	file := flags.String("to", "", "file with the new mail address, on one line")
	keep := flags.Bool("keep", false, "take back a change that has not taken effect")
	var out struct {
		From time.Time `json:"from"`
	}
	address := ""
	before := func() error {
		if (*file == "") != *keep {
			return usagef("name the file with the new address with -to, or take a change back with -keep")
		}
		if *keep {
			return nil
		}
		text, err := os.ReadFile(*file)
		if err != nil {
			return usagef("%v", err)
		}
		if address = strings.TrimSpace(string(text)); address == "" || len(text) > maxAddress {
			return usagef("%s has no address on one line", *file)
		}
		return nil
	}
	if _, _, err := withCardChecked(ctx, c, flags, args, "address", before, func(body map[string]any) { body["address"] = address }, &out, "card_auth_pin"); err != nil {
		return err
	}
	if *keep {
		c.say("送り先の変更を取り消しました。 / The change of address was taken back.")
		return nil
	}
	if out.From.IsZero() { // it is the present one, and another waited
		c.say("送り先の変更を取り消しました。 / The change of address was taken back.")
		return nil
	}
	c.say("送り先は %s に変わります。 / Notices go to the new address from %s on.", ui.DateTime(ui.JA, out.From), ui.DateTime(ui.EN, out.From))
	return nil
}
