package eid

import (
	"context"
	"errors"
	"fmt"

	"tegata/holder/apdu"
)

// chunk is how much one READ BINARY asks for: the most a short command can.
const chunk = 256 // bytes

// maxFile bounds what a card can make us read: 15 bits of offset.
const maxFile = 1 << 15 // bytes

// send sends one command and returns the data of its answer. A status word other
// than 9000 is an *apdu.StatusError.
func (j *JPKI) send(ctx context.Context, c apdu.Command) ([]byte, error) {
	answer, err := j.card.Transmit(ctx, c.Bytes())
	if err != nil {
		return nil, err
	}
	r, err := apdu.ParseResponse(answer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return r.Data, r.Err()
}

// readFile selects a file and reads it: as long as its DER says when it begins
// like a certificate, else as long as one answer is.
func (j *JPKI) readFile(ctx context.Context, fid uint16) ([]byte, error) {
	_, err := j.send(ctx, apdu.Command{INS: apdu.InsSelect, P1: 0x02, P2: 0x0C, Data: []byte{byte(fid >> 8), byte(fid)}, Le: apdu.NoLe})
	if err != nil {
		return nil, meaning(err)
	}
	content, err := j.readAt(ctx, 0)
	if err != nil {
		return nil, meaning(err)
	}
	tag, length, header, err := apdu.ParseHeader(content)
	if err != nil || tag != 0x30 || header != 4 { // 30 82 xx xx: a certificate, or an authority's
		return content, nil
	}
	total := header + length
	if total > maxFile {
		return nil, fmt.Errorf("%w: a file of %d bytes", ErrAnswer, total)
	}
	for len(content) < total {
		more, err := j.readAt(ctx, len(content))
		if err != nil {
			return nil, meaning(err)
		}
		content = append(content, more...)
	}
	return content[:total], nil // some cards pad their files
}

// readAt is one READ BINARY in the current file.
func (j *JPKI) readAt(ctx context.Context, offset int) ([]byte, error) {
	data, err := j.send(ctx, apdu.Command{INS: apdu.InsReadBinary, P1: byte(offset >> 8), P2: byte(offset), Le: chunk})
	if err != nil {
		return nil, err
	}
	if len(data) == 0 || len(data) > chunk { // nothing with 9000 would go on for ever
		return nil, fmt.Errorf("%w: %d bytes for %d", ErrAnswer, len(data), chunk)
	}
	return data, nil
}

// meaning puts our word before a status word that has one. What it wraps stays.
func meaning(err error) error {
	for sw, word := range map[uint16]error{
		apdu.SWNotAllowed:  ErrLocked,
		apdu.SWNotFound:    ErrAbsent,
		apdu.SWWrongOffset: ErrAbsent, // an empty file
		apdu.SWConditions:  ErrNotOpen,
	} {
		if apdu.IsStatus(err, sw) && !errors.Is(err, word) {
			return fmt.Errorf("%w: %w", word, err)
		}
	}
	return err
}
