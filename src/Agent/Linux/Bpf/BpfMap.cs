using System.Runtime.InteropServices;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>A map of the kernel; its keys are of one type, its values of another, as the program declares them.</summary>
internal sealed unsafe class BpfMap<TKey, TValue>(int descriptor)
    where TKey : unmanaged
    where TValue : unmanaged
{
    private const int NoEntry = -2;

    /// <summary>Sets a value.</summary>
    /// <exception cref="BpfException">The map is full.</exception>
    public void Set(TKey key, TValue value) => _ = BpfException.Check(Libbpf.Update(descriptor, &key, &value, 0), "write a map");

    /// <summary>Removes a key, if it is there.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public void Remove(TKey key)
    {
        if (Libbpf.Delete(descriptor, &key) is var result and not NoEntry)
        {
            _ = BpfException.Check(result, "write a map");
        }
    }

    /// <summary>All that it holds.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public Dictionary<TKey, TValue> Read()
    {
        var found = new Dictionary<TKey, TValue>();
        TKey key, next;
        TValue value;
        for (var result = Libbpf.NextKey(descriptor, null, &next); result == 0; result = Libbpf.NextKey(descriptor, &key, &next))
        {
            if (Libbpf.Lookup(descriptor, &next, &value) == 0)
            {
                found[next] = value;
            }

            key = next;
        }

        return found;
    }

    /// <summary>Makes the map hold exactly this; what stays is not touched, and what is new comes before what goes.</summary>
    /// <exception cref="BpfException">The map is full.</exception>
    public void Become(IReadOnlyDictionary<TKey, TValue> desired)
    {
        var held = Read();
        foreach (var (key, value) in desired)
        {
            if (!held.TryGetValue(key, out var old) || !Bytes(in old).SequenceEqual(Bytes(in value)))
            {
                Set(key, value);
            }
        }

        foreach (var key in held.Keys.Where(key => !desired.ContainsKey(key)))
        {
            Remove(key);
        }
    }

    private static ReadOnlySpan<byte> Bytes(in TValue value) => MemoryMarshal.AsBytes(new ReadOnlySpan<TValue>(in value));
}
