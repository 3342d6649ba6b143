package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/internal/ui"
	"tegata/sandbox"
	"tegata/services/street"
)

// errAnsweringOlder: what takes years to come about is made with the sandbox or never.
var errAnsweringOlder = problem.NewRefused(409, "answering-older",
	"この住民は、新しくつくった町にだけいます。", "何も答えていません。tegata init で別の町をつくってください。",
	"This resident exists in newer sandboxes only.", "Nothing was answered. Make another sandbox with tegata init.")

// makeAnsweringOf makes those residents who answer by themselves and whose state takes
// years: at the time when the clock is there.
func (n *neighbourhood) makeAnsweringOf(ctx context.Context, years int) error {
	all, err := sandbox.AnsweringResidents()
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.CardMadeYearsAgo == years {
			if err := n.makeAnswering(ctx, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// prepareAnswering makes a resident who answers by itself on first use: eleven people
// with cards and phones would make every sandbox begin later, for who needs none of them.
func (n *neighbourhood) prepareAnswering(ctx context.Context, id string) error {
	n.answering.Lock()
	defer n.answering.Unlock()
	if n.madeAnswering(id) {
		return nil
	}
	all, err := sandbox.AnsweringResidents()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(a sandbox.Answering) bool { return a.ID == id })
	if i < 0 || all[i].CardMadeYearsAgo > 0 {
		return errAnsweringOlder
	}
	// Whoever asks may hang up; what was begun is finished.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	return n.makeAnswering(ctx, all[i])
}

func (n *neighbourhood) makeAnswering(ctx context.Context, a sandbox.Answering) error {
	if n.madeAnswering(a.ID) {
		return nil
	}
	client := httpd.Client(60 * time.Second)
	m := sandbox.Making{
		Maker:  sandbox.Maker{Municipality: n.settings.machine("municipality"), Token: n.token, Client: client},
		Holder: sandbox.Holder{Phones: n.settings.machine("phone"), Cards: n.settings.machine("cards"), Token: n.token, Client: client},
		Issuer: n.settings.machine("issuer"), Secrets: n.secrets,
	}
	if err := m.Answering(ctx, a); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	made := append(slices.Clone(n.byThemselves), a.ID)
	text, err := json.Marshal(made)
	if err != nil {
		return err
	}
	if err := n.files.WriteFile(filepath.Join(n.dir, answeringFile), append(text, '\n'), 0o600); err != nil {
		return err
	}
	n.byThemselves = made
	return nil
}

// answeringFile lists who was made, in a sandbox's directory.
const answeringFile = "answering.json"

func openAnswering(dir string) (ids []string, err error) {
	text, err := os.ReadFile(filepath.Join(dir, answeringFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &ids)
	}
	if err != nil {
		return nil, usagef("%s cannot be read: %v", filepath.Join(dir, answeringFile), err)
	}
	return ids, nil
}

// madeAnswering tells whether a resident who answers by itself exists by now.
func (n *neighbourhood) madeAnswering(id string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Contains(n.byThemselves, id)
}

// answeringShown are those residents as the start page shows them.
func answeringShown() ([]street.Person, error) {
	towns, _, err := sandbox.People()
	if err != nil {
		return nil, err
	}
	all, err := sandbox.AnsweringResidents()
	if err != nil {
		return nil, err
	}
	var shown []street.Person
	for _, a := range all {
		s := street.Person{ID: a.ID, Name: a.Name, Kana: a.Kana, BirthDate: a.Birth, About: ui.Text{JA: a.AboutJA, EN: a.AboutEN},
			Card: a.ID, Phone: a.Phone(), Mailbox: a.ID, Answers: a.Answers, Does: ui.Text{JA: a.DoesJA, EN: a.DoesEN}, Outcome: a.Outcome, OAuthError: a.OAuthError}
		for _, t := range towns {
			if t.Code == a.Municipality {
				s.Municipality = ui.Text{JA: t.City, EN: t.NameEN}
			}
		}
		shown = append(shown, s)
	}
	return shown, nil
}
