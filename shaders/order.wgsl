// sample = pi(position): a permutation of m samples by seed and epoch, see Order in src/schedule/batches.rs, its twin.
//
// A Feistel network on the bits of the position, walked until it lands below m: twice at most on average.

struct Order {
    m: u32,
    key: u32,
    low: u32, // bits of the halves
    high: u32,
}

// The order of an epoch.
fn order_of(m: u32, seed: u32, epoch: u32) -> Order {
    let bits = select(firstLeadingBit(max(m, 2u) - 1u) + 1u, 0u, m < 2u);
    return Order(m, mix(mix(seed) + epoch), bits / 2u, bits - bits / 2u);
}

fn order_hash(order: Order, half: u32, round: u32) -> u32 {
    return mix(half ^ (order.key + round * GOLDEN));
}

fn ordered_sample(order: Order, position: u32) -> u32 {
    let low_mask = (1u << order.low) - 1u;
    let high_mask = (1u << order.high) - 1u;
    var at = position;
    loop {
        var low = at & low_mask;
        var high = at >> order.low;
        low ^= order_hash(order, high, 0u) & low_mask;
        high ^= order_hash(order, low, 1u) & high_mask;
        low ^= order_hash(order, high, 2u) & low_mask;
        high ^= order_hash(order, low, 3u) & high_mask;
        low ^= order_hash(order, high, 4u) & low_mask;
        high ^= order_hash(order, low, 5u) & high_mask;
        low ^= order_hash(order, high, 6u) & low_mask;
        high ^= order_hash(order, low, 7u) & high_mask;
        at = (high << order.low) | low;
        if at < order.m { break; }
    }
    return at;
}
