package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"sync"
)

// AccessKey signs requests for a user.
type AccessKey struct {
	ID, Secret string
	// SessionToken goes with temporary credentials, in the header
	// X-Amz-Security-Token; empty: the key is a long-term one.
	SessionToken    string
	UserARN, UserID string
}

// AccessKeys has one long-term key for each user that was asked for. It is safe
// for concurrent use.
type AccessKeys struct {
	mu   sync.Mutex
	keys map[string]AccessKey // by user
}

// NewAccessKeys knows nobody yet.
func NewAccessKeys() *AccessKeys { return &AccessKeys{keys: map[string]AccessKey{}} }

// Of returns the user's key, and makes it the first time. The user's id depends
// on the name alone, so that what a user owns outlives the keys.
func (k *AccessKeys) Of(user string) AccessKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, ok := k.keys[user]
	if !ok {
		digest := sha256.Sum256([]byte(user))
		key = AccessKey{
			ID:      "AKIA" + rand.Text()[:16],
			Secret:  (rand.Text() + rand.Text())[:40],
			UserARN: "arn:aws:iam::" + account + ":user/" + user,
			UserID:  "AIDA" + base32.StdEncoding.EncodeToString(digest[:])[:17],
		}
		k.keys[user] = key
	}
	return key
}

// Find returns the key with the given id.
func (k *AccessKeys) Find(id string) (AccessKey, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range k.keys {
		if key.ID == id {
			return key, true
		}
	}
	return AccessKey{}, false
}

const account = "000000000000"
