package dynamostore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Each count is an attribute of the item, named "s.1c.x2k9": its kind, and in base
// 36 its epoch and the number of its interval. Adding to a map would fail where
// there is no map yet, and names that say what they count need no reset.
const countBase = 36

func countName(c breaker.Count) string {
	return string(rune(c.Kind)) + "." + strconv.FormatInt(c.Epoch, countBase) + "." + strconv.FormatInt(c.Bucket, countBase)
}

// countOf returns the count that an attribute holds, and whether it holds one. A
// count that cannot be read is ignored: nothing exact depends on it.
func countOf(name string, v types.AttributeValue) (c breaker.Count, ok bool) {
	kind, rest, _ := strings.Cut(name, ".")
	epoch, bucket, ok := strings.Cut(rest, ".")
	n, isNumber := v.(*types.AttributeValueMemberN)
	if !ok || !isNumber || len(kind) != 1 || !strings.Contains("sfSF", kind) {
		return breaker.Count{}, false
	}
	c.Kind = breaker.CountKind(kind[0])
	for _, field := range []struct {
		to   *int64
		text string
		base int
	}{{&c.Epoch, epoch, countBase}, {&c.Bucket, bucket, countBase}, {&c.Calls, n.Value, 10}} {
		value, err := strconv.ParseInt(field.text, field.base, 64)
		if err != nil || value < 0 {
			return breaker.Count{}, false
		}
		*field.to = value
	}
	return c, countName(c) == name
}

// decodeCounts returns an item's counts, sorted.
func decodeCounts(item map[string]types.AttributeValue) []breaker.Count {
	var counts []breaker.Count
	for name, v := range item {
		if c, ok := countOf(name, v); ok {
			counts = append(counts, c)
		}
	}
	slices.SortFunc(counts, breaker.Count.Compare)
	return counts
}

// Count adds to the circuit's counts.
func (s *Store) Count(ctx context.Context, circuit string, t breaker.Tally) (breaker.Record, bool, error) {
	in := &dynamodb.UpdateItemInput{
		ConditionExpression:       ptr("#state = :closed AND epoch = :epoch"),
		ExpressionAttributeNames:  map[string]string{"#state": "state"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":closed": text(string(breaker.Closed)), ":epoch": number(t.Epoch)},
	}
	update := "ADD " + strings.Join(addCounts(in, t.Add), ", ")
	if t.Traffic != 0 {
		update += " SET traffic = :traffic"
		in.ExpressionAttributeValues[":traffic"] = number(t.Traffic)
	}
	if gone := nameCounts(in, t.Gone); len(gone) > 0 {
		update += " REMOVE " + strings.Join(gone, ", ")
	}
	in.UpdateExpression = &update
	return s.update(ctx, circuit, in)
}

// addCounts returns the actions of ADD for counts.
func addCounts(in *dynamodb.UpdateItemInput, counts []breaker.Count) []string {
	actions := make([]string, len(counts))
	for i, c := range counts {
		name, value := fmt.Sprintf("#add%d", i), fmt.Sprintf(":add%d", i)
		in.ExpressionAttributeNames[name], in.ExpressionAttributeValues[value] = countName(c), number(c.Calls)
		actions[i] = name + " " + value
	}
	return actions
}

// nameCounts returns the placeholders of the counts' attributes.
func nameCounts(in *dynamodb.UpdateItemInput, counts []breaker.Count) []string {
	names := make([]string, len(counts))
	for i, c := range counts {
		names[i] = fmt.Sprintf("#gone%d", i)
		in.ExpressionAttributeNames[names[i]] = countName(c)
	}
	return names
}
