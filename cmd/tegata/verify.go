package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/verifier/document"
)

// verifyFlags are how a document is verified.
type verifyFlags struct {
	trust
	content, evidence, save *string
	asJSON                  *bool
}

// verify gives the verdict on signed documents, or makes it again from evidence.
func verify(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	f := verifyFlags{
		content:  flags.String("content", "", "what a detached signature is over"),
		evidence: flags.String("evidence", "", "make the verdict again from this file, asking nobody"),
		save:     flags.String("save-evidence", "", "where all that the verdict rests on is written"),
		asJSON:   flags.Bool("json", false, "for scripts"),
	}
	f.trust = trustFlags(c, flags)
	words, err := wordsOf(flags, args)
	if err != nil {
		return err
	}
	if *f.evidence != "" {
		if len(words) > 0 || *f.content != "" || *f.save != "" {
			return usagef("-evidence holds everything already: name no file, -content or -save-evidence beside it")
		}
		return f.recheck(ctx, c)
	}
	if len(words) == 0 {
		return usagef("FILE is missing; see -h")
	}
	return f.check(ctx, c, words)
}

// trustFlags adds the flags that say which authorities are believed.
func trustFlags(c console, flags *flag.FlagSet) trust {
	return trust{
		remote: remoteFlags(c, flags),
		dir:    flags.String("trust", "", "folder with the authorities' certificates, LABEL.cer; empty takes the issuer's own word for it"),
		arc:    flags.String("arc", pki.SandboxArc().String(), "the operator's OID arc"),
	}
}

// readDocument reads a file that a person named.
func readDocument(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, usagef("%v", err)
	}
	return data, nil
}

func (f verifyFlags) check(ctx context.Context, c console, files []string) error {
	var content []byte
	var err error
	if *f.content != "" {
		if content, err = readDocument(*f.content); err != nil {
			return err
		}
	}
	var messages []document.Message
	for _, name := range files {
		data, err := readDocument(name)
		if err != nil {
			return err
		}
		messages = append(messages, document.Message{Signed: data, Content: content})
	}
	arc, anchors, err := f.trust.open(ctx)
	if err != nil {
		return err
	}
	keeper := &document.Keeper{}
	checker := document.Checker{Arc: arc, Anchors: anchors, Status: certpath.OCSP{Client: httpd.Client(5 * time.Second), Keep: keeper.Keep}}
	report := checker.CheckAll(ctx, messages, f.now())
	if *f.save != "" {
		text, err := json.MarshalIndent(checker.Evidence(messages, keeper.Answers(), report), "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(*f.save, append(text, '\n'), 0o600); err != nil { // it holds a person's certificate
			return usagef("-save-evidence: %v", err)
		}
	}
	return f.tell(c, report, arc)
}

// recheck makes a verdict again. Without -trust the evidence vouches for its own
// authorities, and a person is told so.
func (f verifyFlags) recheck(ctx context.Context, c console) error {
	text, err := readDocument(*f.evidence)
	if err != nil {
		return err
	}
	e, err := document.ParseEvidence(text)
	if err != nil {
		return err
	}
	var trusted []document.Anchor
	if *f.dir != "" {
		if trusted, err = readAnchors(*f.dir); err != nil {
			return err
		}
	} else {
		c.say("認証局は、証拠の中のものを使います。 / The authorities are those in the evidence itself; name yours with -trust.")
	}
	report, err := e.Recheck(ctx, trusted)
	if err != nil {
		return err
	}
	arc, err := pki.ParseArc(e.Arc)
	if err != nil {
		return err
	}
	return f.tell(c, report, arc)
}

// tell prints a verdict; its error is why it is not passed, from which the exit code
// follows: 1 failed, 2 indeterminate.
func (f verifyFlags) tell(c console, r document.Report, arc pki.Arc) error {
	answer := r.Answer(arc)
	if *f.asJSON {
		if err := printJSON(c, answer); err != nil {
			return err
		}
	} else if err := printVerdict(c, answer); err != nil {
		return err
	}
	for _, s := range answer.Signatures {
		if s.Status != nil && s.Status.Reason != "" {
			c.say("%s: %s", s.Status.State, s.Status.Reason)
		}
	}
	if r.Problem != nil {
		return r.Problem
	}
	return nil
}

// verdictWords are the three verdicts for people.
func verdictWords(v ceremony.Verdict) string {
	switch v {
	case ceremony.Passed:
		return "passed（有効な署名です）"
	case ceremony.Failed:
		return "failed（有効な署名ではありません）"
	}
	return "indeterminate（決められません）"
}

func printVerdict(c console, a document.Answer) error {
	table := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(table, name+"\t"+format+"\n", args...) }
	line("verdict", "%s", strings.TrimSpace(verdictWords(a.Verdict)+" "+a.SubIndication))
	line("checked", "%s", a.CheckedAt.Format(time.RFC3339))
	for _, s := range a.Signatures {
		if s.Signer == nil {
			continue
		}
		line("signature", "%s %s: %s", s.Format, s.Level, strings.TrimSpace(string(s.Verdict)+" "+s.SubIndication))
		if s.Signer.Kind != "" {
			line("signer", "%s (%s, %s)", s.Signer.Name, s.Signer.Kind, s.Signer.Serial)
		}
		if s.ClaimedTime != nil {
			line("claimed", "%s, by the signer", s.ClaimedTime.Format(time.RFC3339))
		}
		if s.ProvenTime != nil {
			line("proven", "%s, by a time-stamp", s.ProvenTime.Format(time.RFC3339))
		}
		for _, t := range s.TimeStamps {
			if !t.Valid {
				line("time-stamp", "%s / %s (%s)", t.Title, t.TitleEN, t.Code)
			}
		}
		if st := s.Status; st != nil {
			text := string(st.State)
			if st.Reason != "" {
				text += ": " + st.Reason
			}
			if st.Since != nil {
				text += " since " + st.Since.Format(time.RFC3339)
			}
			line("status", "%s, as of %s (%s)", text, st.ThisUpdate.Format(time.RFC3339), st.Source)
		}
	}
	return table.Flush()
}
