using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Controller.Authority;

/// <summary>The subject of an agent's certificate: <c>CN=workload id, serialNumber=pairing</c>.</summary>
/// <param name="Workload">Whose agent.</param>
/// <param name="Pairing">How many times the workload had been paired; only its newest pairing counts.</param>
public readonly record struct AgentSubject(WorkloadId Workload, long Pairing)
{
    private const string CommonName = "2.5.4.3";
    private const string SerialNumber = "2.5.4.5";

    /// <summary>Reads a certificate's subject; null if it is not an agent's.</summary>
    public static AgentSubject? Read(X509Certificate2 certificate)
    {
        (string? name, string? serial) = (null, null);
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
        {
            switch (part.HasMultipleElements ? null : part.GetSingleElementType().Value)
            {
                case CommonName:
                    name = part.GetSingleElementValue();
                    break;
                case SerialNumber:
                    serial = part.GetSingleElementValue();
                    break;
            }
        }

        return Guid.TryParseExact(name, "D", out var id) && long.TryParse(serial, NumberStyles.None, CultureInfo.InvariantCulture, out var pairing)
            ? new(new(id), pairing)
            : null;
    }

    /// <summary>The distinguished name.</summary>
    public X500DistinguishedName ToName()
    {
        var name = new X500DistinguishedNameBuilder();
        name.Add(SerialNumber, Pairing.ToString(CultureInfo.InvariantCulture));
        name.AddCommonName(Workload.Value.ToString("D"));
        return name.Build();
    }
}
