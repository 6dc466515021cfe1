using System.Buffers;
using System.Runtime.InteropServices;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>
/// A map of the kernel; its keys are of one type, its values of another, as the program declares them. It is ours alone to write, so that what it is to
/// hold is known, and whatever else it holds was put there by somebody else.
/// </summary>
internal sealed unsafe class BpfMap<TKey, TValue>(int descriptor)
    where TKey : unmanaged
    where TValue : unmanaged
{
    private const int NoEntry = -2;
    private const int NoSpace = -28;
    private const int BatchBytes = 32 << 10;

    private readonly Dictionary<TKey, TValue> _desired = [];

    private delegate void Visit(in TKey key, in TValue value);

    /// <summary>How many entries it is to hold.</summary>
    public int Count => _desired.Count;

    /// <summary>Sets a value.</summary>
    /// <exception cref="BpfException">The map is full.</exception>
    public void Set(TKey key, TValue value)
    {
        Write(key, value);
        _desired[key] = value;
    }

    /// <summary>All that it holds.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public Dictionary<TKey, TValue> Read()
    {
        var found = new Dictionary<TKey, TValue>();
        Walk((in key, in value) => found[key] = value);
        return found;
    }

    /// <summary>Makes the map hold exactly this; what stays is not touched, and what is new comes before what goes.</summary>
    /// <exception cref="BpfException">The map is full.</exception>
    public void Become(IReadOnlyDictionary<TKey, TValue> desired)
    {
        var held = Read();
        foreach (var (key, value) in desired)
        {
            if (!held.TryGetValue(key, out var old) || !Same(in old, in value))
            {
                Write(key, value);
            }
        }

        foreach (var key in held.Keys.Where(key => !desired.ContainsKey(key)))
        {
            Remove(key);
        }

        if (!ReferenceEquals(desired, _desired))
        {
            _desired.Clear();
            foreach (var (key, value) in desired)
            {
                _desired.Add(key, value);
            }
        }
    }

    /// <summary>Makes it hold again what was put there last.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public void Restore() => Become(_desired);

    /// <summary>How it differs from what was put there, in words; null if it does not.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public string? Difference()
    {
        var (right, changed, added) = (0, 0, 0);
        Walk((in key, in value) =>
        {
            ref var one = ref CollectionsMarshal.GetValueRefOrNullRef(_desired, key);
            if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref one))
            {
                added++;
            }
            else if (Same(in one, in value))
            {
                right++;
            }
            else
            {
                changed++;
            }
        });
        var removed = _desired.Count - right - changed;
        var words = ((int Count, string What)[])[(changed, "changed"), (added, "added"), (removed, "removed")];
        return added + changed + removed == 0 ? null : string.Join(", ", words.Where(word => word.Count > 0).Select(word => $"{word.Count} {word.What}")) + $" of {_desired.Count} entries";
    }

    private void Write(TKey key, TValue value) => _ = BpfException.Check(Libbpf.Update(descriptor, &key, &value, 0), "write a map");

    private void Remove(TKey key)
    {
        if (Libbpf.Delete(descriptor, &key) is var result and not NoEntry)
        {
            _ = BpfException.Check(result, "write a map");
        }
    }

    /// <summary>Visits every entry, many with each system call; one by one where the kernel cannot do that (before 5.6).</summary>
    private void Walk(Visit visit)
    {
        ulong from = 0, next = 0;
        var begun = false;
        for (var most = Math.Max(64, BatchBytes / (sizeof(TKey) + sizeof(TValue))); ; most *= 4)
        {
            var keys = ArrayPool<byte>.Shared.Rent(most * sizeof(TKey));
            var values = ArrayPool<byte>.Shared.Rent(most * sizeof(TValue));
            try
            {
                fixed (byte* keyAt = keys, valueAt = values)
                {
                    while (true)
                    {
                        var count = (uint)most;
                        var result = Libbpf.LookupBatch(descriptor, begun ? &from : null, &next, keyAt, valueAt, &count, 0);
                        if (result is NoSpace)
                        {
                            // One of the kernel's buckets holds more: on from it with more room.
                            break;
                        }

                        if (result is < 0 and not NoEntry)
                        {
                            if (begun)
                            {
                                throw new BpfException("read a map", result);
                            }

                            WalkSingly(visit);
                            return;
                        }

                        for (var i = 0; i < count; i++)
                        {
                            visit(in ((TKey*)keyAt)[i], in ((TValue*)valueAt)[i]);
                        }

                        if (result == NoEntry)
                        {
                            return;
                        }

                        (from, begun) = (next, true);
                    }
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(keys);
                ArrayPool<byte>.Shared.Return(values);
            }
        }
    }

    private void WalkSingly(Visit visit)
    {
        TKey key, next;
        TValue value;
        for (var result = Libbpf.NextKey(descriptor, null, &next); result == 0; result = Libbpf.NextKey(descriptor, &key, &next))
        {
            if (Libbpf.Lookup(descriptor, &next, &value) == 0)
            {
                visit(in next, in value);
            }

            key = next;
        }
    }

    private static bool Same(in TValue a, in TValue b) => Bytes(in a).SequenceEqual(Bytes(in b));

    private static ReadOnlySpan<byte> Bytes(in TValue value) => MemoryMarshal.AsBytes(new ReadOnlySpan<TValue>(in value));
}
