package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tegata/holder/card"
	"tegata/holder/rack"
	"tegata/holder/reader"
	"tegata/internal/durable"
	"tegata/internal/httpd"
	"tegata/sandbox"
)

// cardLine is one card as scripts see it; surface of `card list -json`.
type cardLine struct {
	ID        string               `json:"id"`
	Resident  string               `json:"resident"`
	Name      string               `json:"name"`
	BirthDate string               `json:"birth_date"`
	State     string               `json:"state"`
	Reader    string               `json:"reader,omitempty"`
	Secrets   *sandbox.CardSecrets `json:"sandbox_secrets,omitempty"`
}

// cardList prints the sandbox's cards.
func cardList(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	asJSON := flags.Bool("json", false, "for scripts; shows the sandbox's secrets too")
	if _, err := parse(flags, args); err != nil {
		return err
	}
	cards, err := cardLines(ctx, r)
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c, cards)
	}
	table := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "CARD\tSTATE\tBORN\tNAME\tHELD TO")
	for _, l := range cards {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", l.ID, l.State, l.BirthDate, l.Name, l.Reader)
	}
	return table.Flush()
}

// cardShow prints one card.
func cardShow(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	asJSON := flags.Bool("json", false, "for scripts; shows the sandbox's secrets too")
	words, err := parse(flags, args, "CARD")
	if err != nil {
		return err
	}
	cards, err := cardLines(ctx, r)
	if err != nil {
		return err
	}
	for _, l := range cards {
		if l.ID != words[0] {
			continue
		}
		if *asJSON {
			return printJSON(c, l)
		}
		fmt.Fprintf(c.out, "card     %s\nholder   %s (born %s)\nstate    %s\n", l.ID, l.Name, l.BirthDate, l.State)
		if l.Reader != "" {
			fmt.Fprintf(c.out, "held to  %s\n", l.Reader)
		}
		return nil
	}
	return usagef("the rack holds no card %q; `tegata card list` shows them", words[0])
}

// cardLines joins what the rack says with what the register knows: whose card it
// is, and who that is.
func cardLines(ctx context.Context, r *remote) ([]cardLine, error) {
	if err := r.find(ctx); err != nil {
		return nil, err
	}
	var rack struct {
		Cards []cardLine `json:"cards"`
	}
	if err := r.get(ctx, "cards", "/v1/cards", &rack); err != nil {
		return nil, err
	}
	holders, err := cardHolders(ctx, r)
	if err != nil {
		return nil, err
	}
	secrets, err := sandbox.OpenSecrets(filepath.Join(*r.data, sandboxSecrets), durable.Files{})
	if err != nil {
		return nil, err
	}
	for i := range rack.Cards {
		l := &rack.Cards[i]
		l.Secrets, _ = secrets.Known(l.ID)
		holder := holders[l.ID]
		l.Resident, l.Name, l.BirthDate = holder.ID, holder.Name, holder.Birth
	}
	return rack.Cards, nil
}

// registered is a resident as the register's door tells it.
type registered struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Birth string `json:"birth"`
}

// cardHolders asks the register whose each card is.
func cardHolders(ctx context.Context, r *remote) (map[string]registered, error) {
	holders := map[string]registered{}
	for after := ""; ; {
		var page struct {
			Residents []struct {
				Resident registered `json:"resident"`
				Cards    []struct {
					ID string `json:"id"`
				} `json:"cards"`
			} `json:"residents"`
		}
		if err := r.get(ctx, "municipality", "/v1/residents?after="+url.QueryEscape(after), &page); err != nil {
			return nil, err
		}
		if len(page.Residents) == 0 {
			return holders, nil
		}
		for _, e := range page.Residents {
			for _, c := range e.Cards {
				holders[c.ID] = e.Resident
			}
			after = e.Resident.ID
		}
	}
}

// cardNew has a further card made for a resident, as their desk does: the older
// one ends when this one is handed over.
func cardNew(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	resident := flags.String("resident", "", "whose card it is: an id of the register")
	words, err := parse(flags, args, "CARD")
	if err != nil {
		return err
	}
	if *resident == "" {
		return usagef("name the holder with -resident")
	}
	if err := r.find(ctx); err != nil {
		return err
	}
	c.say("カードを作っています… / making the card…")
	desk, err := r.url("municipality", "")
	if err != nil {
		return err
	}
	maker := sandbox.Maker{Municipality: desk, Token: r.token, Client: r.client}
	if err := maker.Card(ctx, *resident, words[0]); err != nil {
		return err
	}
	return cardShow(ctx, c, flag.NewFlagSet(flags.Name(), flag.ContinueOnError), []string{"-street", *r.street, "-data", *r.data, words[0]})
}

// cardInsert holds a card to a slot until it is interrupted.
func cardInsert(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	into := flags.String("into", "", "phone:ID, helpdesk:1, or vpcd:HOST:PORT such as a slot of the system's pcscd (vpcd:127.0.0.1:35963)")
	number := flags.String("number", "", "with -secrets: the two digits that the desk's screen shows, typed at the key pad before the PIN")
	file := flags.String("secrets", "", "type card_auth_pin of this JSON file, mode 0600, at the key pad of a reader that has one; - is standard input")
	words, err := parse(flags, args, "CARD")
	if err != nil {
		return err
	}
	var typed map[string]any
	if (*file != "") != (*number != "") {
		return usagef("-secrets and -number go together: a desk's key pad takes the number on its screen and the PIN")
	}
	if *file != "" {
		if typed, err = readSecrets(c, *file, "card_auth_pin"); err != nil {
			return err
		}
		typed["number"] = *number
	}
	err = r.find(ctx)
	if addr, ok := strings.CutPrefix(*into, "vpcd:"); ok && errors.Is(err, httpd.Unreachable) {
		if typed != nil {
			return usagef("-secrets types at the key pad of a reader of the running neighbourhood, and none runs")
		}
		return insertAlone(ctx, c, filepath.Join(*r.data, cardsFolder), words[0], addr)
	}
	if err != nil {
		return err
	}
	addr, err := slotAddress(ctx, r, *into)
	if err != nil {
		return err
	}
	own := "/v1/cards/" + url.PathEscape(words[0])
	path := own + "/tap"
	if err := r.post(ctx, "cards", path, map[string]string{"reader": addr}, nil); err != nil {
		return err
	}
	if typed != nil {
		if err := r.post(ctx, "cards", own+"/pad", typed, nil); err != nil {
			return errors.Join(err, r.remove(context.WithoutCancel(ctx), "cards", path))
		}
	}
	sayHeld(c, words[0], addr)
	<-ctx.Done()
	return r.remove(context.WithoutCancel(ctx), "cards", path)
}

func sayHeld(c console, card, addr string) {
	c.say("カード %s を %s にかざしています。Ctrl-C で離します。 / Card %s is held to %s; Ctrl-C takes it away.", card, addr, card, addr)
}

// insertAlone opens the card itself, under the rack's lock, when no neighbourhood
// runs.
func insertAlone(ctx context.Context, c console, box, name, addr string) error {
	b, err := card.OpenBox(box, durable.Files{})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usagef("%s holds no cards, and no neighbourhood runs; name the sandbox's directory with -data", filepath.Dir(box))
	case errors.Is(err, card.ErrInUse):
		return usagef("another program has these cards; if a neighbourhood runs, name its start page with -street")
	case err != nil:
		return err
	}
	held, err := b.Open(name)
	switch {
	case errors.Is(err, card.ErrNoCard), errors.Is(err, card.ErrName):
		err = rack.ErrNoCard.Because(err)
	case err == nil:
		err = hold(ctx, c, name, addr, held)
	}
	return errors.Join(err, b.Close())
}

func hold(ctx context.Context, c console, name, addr string, t reader.Token) error {
	conn, err := (&net.Dialer{Timeout: 3 * time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return rack.ErrNoReader.Because(err)
	}
	sayHeld(c, name, addr)
	return reader.Serve(ctx, conn, t)
}

// slotAddress turns -into into the address of a reader.
func slotAddress(ctx context.Context, r *remote, into string) (string, error) {
	kind, rest, _ := strings.Cut(into, ":")
	switch kind {
	case "vpcd":
		return rest, nil
	case "phone":
		var phone struct {
			Reader string `json:"reader"`
		}
		if err := r.get(ctx, "phone", phonePath(rest, ""), &phone); err != nil {
			return "", err
		}
		return phone.Reader, nil
	}
	if addr, ok := r.readers[into]; ok { // a terminal's
		return addr, nil
	}
	return "", usagef("-into %q: this neighbourhood has no such slot; it has %s, and vpcd:HOST:PORT is any other", into, strings.Join(slices.Sorted(maps.Keys(r.readers)), ", "))
}

func printJSON(c console, v any) error {
	out := json.NewEncoder(c.out)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(v)
}
