namespace Bulkhead.Controller.Storage.Rows;

/// <summary>A secret with which hosts pair.</summary>
public sealed class PairingKeyRow
{
    /// <summary>Its identity.</summary>
    public Guid Id { get; set; }

    /// <summary>For people.</summary>
    public string Name { get; set; } = "";

    /// <summary>SHA-256 of the secret, hex.</summary>
    public string SecretHash { get; set; } = "";

    /// <summary>A JSON object, key to value; given to workloads that pair with it.</summary>
    public string Labels { get; set; } = "{}";

    /// <summary>CIDRs within which an agent's addresses count, separated by spaces.</summary>
    public string Networks { get; set; } = "";

    /// <summary>What who made it may, as <see cref="StoredText.Grants"/> reads it, which bounds the workloads that hosts take up with it; null if it was made before that was kept.</summary>
    public string? MakerGrants { get; set; }

    /// <summary>How often it was used.</summary>
    public int Uses { get; set; }

    /// <summary>Null for no limit.</summary>
    public int? MaxUses { get; set; }

    /// <summary>When it stops to work.</summary>
    public DateTimeOffset Expires { get; set; }

    /// <summary>Whether workloads enter others' policy at once.</summary>
    public bool AutoAdmit { get; set; }

    /// <summary>Whether it was withdrawn.</summary>
    public bool Revoked { get; set; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset Created { get; set; }
}
