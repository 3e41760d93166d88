package dynamostore

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// changed returns the update that writes the attributes in which To differs from
// From, and no others: writing the whole record would overwrite failures added
// in the meantime.
func changed(c breaker.Change, schema int) *dynamodb.UpdateItemInput {
	names := map[string]string{"#generation": "generation", "#writer": "writer"}
	values := map[string]types.AttributeValue{}
	var sets, removes []string
	for _, a := range attributes {
		to := a.get(&c.To)
		if c.From.Exists() && equal(a.get(&c.From), to) {
			continue
		}
		placeholder := "#" + a.name
		switch {
		case to != nil:
			names[placeholder], values[":"+a.name] = a.name, to
			sets = append(sets, placeholder+" = :"+a.name)
		case c.From.Exists():
			names[placeholder] = a.name
			removes = append(removes, placeholder)
		}
	}
	condition := "#generation = :from_generation AND #writer = :from_writer"
	if c.From.Exists() {
		values[":from_generation"], values[":from_writer"] = number(c.From.Generation), text(c.From.Writer)
	} else {
		condition = "attribute_not_exists(entry)"
		names["#schema"], values[":schema"] = "schema", number(int64(schema))
		sets = append(sets, "#schema = :schema")
	}
	in := &dynamodb.UpdateItemInput{
		ConditionExpression: &condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}
	if c.From.State != breaker.Closed || c.To.State != breaker.Closed {
		removes = append(append(removes, "failures"), nameCounts(in, c.From.Counts)...)
	}
	update := "SET " + strings.Join(sets, ", ")
	if len(removes) > 0 {
		update += " REMOVE " + strings.Join(removes, ", ")
	}
	in.UpdateExpression = &update
	return in
}

func equal(a, b types.AttributeValue) bool {
	switch a := a.(type) {
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		return ok && a.Value == b.Value
	default:
		return a == nil && b == nil
	}
}
