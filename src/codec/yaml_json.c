#include "base/vec.h"
#include "codec/yaml_tree.h"

void yaml_write_json(const struct yaml *node, struct json_out *out)
{
    switch (node->kind) {
    case YAML_NULL:
        json_put_null(out);
        return;
    case YAML_BOOL:
        json_put_bool(out, node->boolean);
        return;
    case YAML_INT:
        json_put_int(out, node->integer);
        return;
    case YAML_FLOAT:
        json_put_double(out, node->number);
        return;
    case YAML_STRING:
        json_put_string(out, node->string);
        return;
    case YAML_LIST:
        json_put_array(out);
        vec_foreach (item, &node->list)
            yaml_write_json(*item, out);
        json_put_array_end(out);
        return;
    case YAML_MAP:
        json_put_object(out);
        vec_foreach (pair, &node->map) {
            json_key(out, pair->key);
            yaml_write_json(pair->value, out);
        }
        json_put_object_end(out);
        return;
    }
}
